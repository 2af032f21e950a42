// The command line, the resolver, running.
#include "smtpd/tools/mailauth/subcommand.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

#include "lib/command/command.h"
#include "lib/dns/params.h"
#include "lib/dns/shared_resolver.h"
#include "lib/dns/zone_data.h"
#include "lib/event/error.h"
#include "lib/text/text.h"

namespace mailauth {

std::string Invocation::get(const std::string& option, const std::string& otherwise) const {
    auto found = options.find(option);
    return found == options.end() ? otherwise : found->second;
}

std::vector<std::string> Invocation::all(const std::string& option) const {
    std::vector<std::string> values;
    auto [begin, end] = options.equal_range(option);
    for (auto value = begin; value != end; ++value)
        values.push_back(value->second);
    return values;
}

config::MainCf& Invocation::main_cf() {
    if (!main_cf_)
        main_cf_ = std::make_unique<config::MainCf>(command::load_main_cf(config_directory, config_was_named));
    return *main_cf_;
}

dns::Resolver& Invocation::resolver() {
    if (resolver_)
        return *resolver_;
    if (!dns_file.empty()) {
        auto data = dns::ZoneData::load(dns_file);
        if (!data)
            throw FileError(data.error());
        resolver_ = std::make_unique<dns::ZoneData>(std::move(*data));
        return *resolver_;
    }
    dns::Params params;
    for (const config::Problem& problem : params.load(main_cf()))
        command::warn(config::format_problem(problem));
    auto shared = dns::SharedResolver::open(loop, params);
    if (!shared)
        throw FileError(shared.error());
    shared_ = std::move(*shared);
    resolver_ = std::make_unique<dns::Seat>(*shared_, asker_);
    return *resolver_;
}

std::string usage_of(const Subcommand& subcommand) {
    std::string usage = fmt::format("mailauth {}", subcommand.name);
    for (const Option& option : subcommand.options) {
        std::string one = fmt::format(
            "--{}{}{}", option.name, option.value != nullptr ? " " : "", option.value != nullptr ? option.value : "");
        usage += option.required ? " " + one : " [" + one + "]";
    }
    usage += " [--dns FILE] [--time T] [--json]";
    for (const char* part : {subcommand.arguments, subcommand.input})
        if (*part != 0)
            usage += fmt::format(" {}", part);
    return usage;
}

std::string usage(const Subcommand* one) {
    std::string text;
    for (const Subcommand& subcommand : subcommands())
        if (one == nullptr || one == &subcommand)
            text += fmt::format("{}usage: {}", text.empty() ? "" : "\n", usage_of(subcommand));
    return text;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    if (auto seconds = text::parse_number(text); seconds && *seconds <= INT64_MAX)
        return static_cast<std::int64_t>(*seconds);
    std::tm parts{};
    std::string copy(text);
    const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == nullptr || *end != 0)
        return std::nullopt;
    return ::timegm(&parts);
}

std::string read_file(const std::string& path) {
    if (path == "-")
        return command::read_standard_input();
    std::ifstream file(path, std::ios::binary);
    std::stringstream content;
    if (file)
        content << file.rdbuf();
    if (!file)
        throw FileError(fmt::format("{}: {}", path, std::strerror(errno)));
    return content.str();
}

namespace {

const Option* find_option(const Subcommand& subcommand, std::string_view name) {
    static const Option common[] = {{"dns", "FILE"}, {"time", "T"}, {"json", nullptr}};
    for (const Option& option : common)
        if (name == option.name)
            return &option;
    for (const Option& option : subcommand.options)
        if (name == option.name)
            return &option;
    return nullptr;
}

void take_common(Invocation& call) {
    call.json = call.has("json");
    call.dns_file = call.get("dns");
    call.now = std::time(nullptr);
    if (call.has("time")) {
        auto time = parse_time(call.get("time"));
        if (!time)
            throw UsageError(
                fmt::format("--time {}: seconds since 1970 or 2026-11-22T01:02:03Z is wanted", call.get("time")));
        call.now = *time;
    }
}

}  // namespace

void parse_arguments(const Subcommand& subcommand, const std::vector<std::string>& words, Invocation& call) {
    bool options_end = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string_view word = words[i];
        if (options_end || !word.starts_with("--")) {
            call.arguments.emplace_back(word);
            continue;
        }
        if (word == "--") {
            options_end = true;
            continue;
        }
        std::size_t equals = std::min(word.find('='), word.size());
        std::string name(word.substr(2, equals - 2));
        const Option* option = find_option(subcommand, name);
        if (option == nullptr)
            throw UsageError(fmt::format("--{} is no option of \"{}\"", name, subcommand.name));
        std::string value;
        if (equals < word.size()) {
            if (option->value == nullptr)
                throw UsageError(fmt::format("--{} takes no value", name));
            value = word.substr(equals + 1);
        } else if (option->value != nullptr) {
            if (i + 1 >= words.size())
                throw UsageError(fmt::format("--{} wants a value: {}", name, option->value));
            value = words[++i];
        }
        call.options.emplace(name, value);
    }
    for (const Option& option : subcommand.options)
        if (option.required && !call.has(option.name))
            throw UsageError(fmt::format("--{} is missing", option.name));
    if (call.arguments.size() < subcommand.least || call.arguments.size() > subcommand.most)
        throw UsageError(call.arguments.size() < subcommand.least ? "an argument is missing" : "too many arguments");
    take_common(call);
}

namespace {

int print_usage(const Subcommand* one) {
    fmt::print(stderr, "{}\n", usage(one));
    return EX_USAGE;
}

event::Task<void> run_to_end(const Subcommand& subcommand, Invocation& call, int& status, std::exception_ptr& failure) {
    try {
        status = co_await subcommand.run(call);
    } catch (...) {
        failure = std::current_exception();
    }
}

int evaluate(const Subcommand& subcommand, Invocation& call) {
    int status = EX_SOFTWARE;
    std::exception_ptr failure;
    call.loop.spawn(run_to_end(subcommand, call, status, failure));
    call.loop.run_until_idle();
    if (failure)
        std::rethrow_exception(failure);
    std::string out = call.report.format(call.json);
    if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0)
        throw FileError(fmt::format("standard output: {}", std::strerror(errno)));
    return status == 0 && call.report.has_temporary_failure() ? EX_TEMPFAIL : status;
}

}  // namespace

int run(const std::vector<std::string>& words) {
    event::Loop loop;
    Invocation call(loop);
    call.config_directory = config::default_directory();
    std::size_t next = 0;
    if (words.size() >= 2 && words[0] == "-c") {
        call.config_directory = config::absolute_directory(words[1]);
        call.config_was_named = true;
        next = 2;
    }
    if (next >= words.size())
        return print_usage(nullptr);
    const Subcommand* chosen = nullptr;
    for (const Subcommand& subcommand : subcommands())
        if (words[next] == subcommand.name)
            chosen = &subcommand;
    if (chosen == nullptr) {
        fmt::print(stderr, "mailauth: there is no subcommand \"{}\"\n", text::printable(words[next]));
        return print_usage(nullptr);
    }
    try {
        std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(next) + 1, words.end());
        parse_arguments(*chosen, rest, call);
        return evaluate(*chosen, call);
    } catch (const UsageError& error) {
        fmt::print(stderr, "mailauth: {}\n", error.what());
        return print_usage(chosen);
    } catch (const FileError& error) {
        fmt::print(stderr, "mailauth: {}\n", error.what());
        return EX_NOINPUT;
    }
}

}  // namespace mailauth
