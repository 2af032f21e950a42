#include "imapd/tools/sieve_admin.h"

#include <fmt/format.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>

#include "imapd/account/mail_location.h"
#include "imapd/sieve/delivery/params.h"
#include "imapd/sieve/delivery/user_delivery.h"
#include "imapd/sieve/scripts/compiled.h"
#include "imapd/sieve/scripts/mail_host.h"
#include "lib/command/command.h"
#include "lib/message/header.h"
#include "lib/sieve/interpreter.h"
#include "lib/store/account.h"
#include "lib/text/text.h"

namespace mailadm {

const char* const kSieveUsage =
    "       mailadm [-c config_dir] sieve list|activate|deactivate|get|put|delete -u USER [NAME]\n"
    "       mailadm [-c config_dir] sieve why -u USER UID|MESSAGE-ID\n"
    "       mailadm [-c config_dir] sieve replay -u USER --script FILE [--last 100]\n"
    "The script of sieve put comes from the standard input.";

namespace {

constexpr int kUsageError = 64;
constexpr int kDataError = 65;
constexpr int kNotFound = 66;
constexpr int kCannot = 73;
constexpr int kTryLater = 75;

using scripts::MailHost;

// All that the subcommands need; made before the rights are given up.
struct Context {
    const sieve_delivery::Params& params;
    account::Owner owner;
    account::Places places;
    std::string mail;  // its location
};

void become(const auth::UserEntry& user) {
    if (geteuid() != 0)
        return;
    const auto uid = text::parse_number(user.uid);
    const auto gid = text::parse_number(user.gid);
    if (!uid || !gid || *uid == 0)
        command::fatal(
            fmt::format(
                "{} has no uid and gid of its own in the passwd-file; run this as the user that owns the mail", user.name),
            kCannot);
    const auto group = static_cast<gid_t>(*gid);
    if (setgroups(1, &group) != 0 || setgid(group) != 0 || setuid(static_cast<uid_t>(*uid)) != 0)
        command::fatal(fmt::format("cannot become {}: {}", user.name, std::strerror(errno)), kCannot);
}

int fail(const scripts::ScriptFailure& failure) {
    using Kind = scripts::ScriptFailure::Kind;
    const int status = failure.kind == Kind::not_found ? kNotFound : failure.kind == Kind::temporary ? kTryLater : kCannot;
    command::fatal(failure.text, status);
}

scripts::ScriptStorage storage_of(const Context& context) {
    return {context.places.directory, context.places.active, scripts::quota_of(context.params)};
}

sieve::Compiled compile_for(const Context& context, const std::string& name, std::string_view text) {
    scripts::Includes includes(context.places.directory, context.params.global_directory(),
        static_cast<std::size_t>(context.params.max_script_size()));
    sieve::CompileOptions options;
    options.name = name;
    options.settings = scripts::settings_of(context.params, context.owner);
    options.loader = &includes;
    return sieve::compile(text, options);
}

void show_problems(const sieve::Compiled& compiled) {
    for (const sieve::Problem& problem : compiled.problems)
        fmt::print(stderr, "{}\n", sieve::format_problem(problem));
}

int list(const Context& context, const std::vector<std::string>&) {
    auto all = storage_of(context).list();
    if (!all)
        return fail(all.error());
    for (const scripts::ScriptEntry& script : *all)
        fmt::print("{}{}\n", script.name, script.active ? " ACTIVE" : "");
    return 0;
}

int get(const Context& context, const std::vector<std::string>& names) {
    auto text = storage_of(context).get(names[0]);
    if (!text)
        return fail(text.error());
    std::cout << *text;
    return 0;
}

int put(const Context& context, const std::vector<std::string>& names) {
    const std::string text = command::read_standard_input();
    const sieve::Compiled compiled = compile_for(context, names[0], text);
    show_problems(compiled);
    if (!compiled.ok())
        return kDataError;
    auto kept = storage_of(context).put(names[0], text);
    return kept ? 0 : fail(kept.error());
}

int activate(const Context& context, const std::vector<std::string>& names) {
    auto done = storage_of(context).activate(names[0]);
    return done ? 0 : fail(done.error());
}

int deactivate(const Context& context, const std::vector<std::string>&) {
    auto done = storage_of(context).activate("");
    return done ? 0 : fail(done.error());
}

int remove(const Context& context, const std::vector<std::string>& names) {
    auto done = storage_of(context).remove(names[0]);
    return done ? 0 : fail(done.error());
}

bool is_about(std::string_view record, const std::string& wanted) {
    const bool number = text::parse_number(wanted).has_value();
    for (const std::string_view line : text::split(record, "\n")) {
        if (number && line.starts_with("mailbox: ") && line.ends_with(" " + wanted))
            return true;
        if (!number && line.starts_with("message-id: ") &&
            (line.substr(12) == wanted || line.substr(12) == "<" + wanted + ">"))
            return true;
    }
    return false;
}

// Which rule, which line, which test: as sieve-delivery kept it.
int why(const Context& context, const std::vector<std::string>& names) {
    const std::string path = sieve_delivery::why_path(context.owner, context.mail);
    if (access(path.c_str(), F_OK) != 0)
        command::fatal(
            fmt::format("nothing has been kept about {}'s deliveries (see sieve_why_retention)", context.owner.name),
            kNotFound);
    auto memory = scripts::Memory::open(path, scripts::Memory::Durable::no);
    if (!memory)
        command::fatal(memory.error(), kTryLater);
    int found = 0;
    auto visited = (*memory)->visit("", std::time(nullptr), [&](std::string_view, std::string_view record) {
        if (is_about(record, names[0]))
            fmt::print("{}{}", found++ > 0 ? "\n" : "", record);
        return true;
    });
    if (!visited)
        command::fatal(visited.error(), kTryLater);
    if (found == 0)
        command::fatal(fmt::format("no delivery of {} is known", names[0]), kNotFound);
    return 0;
}

struct Stored {
    std::string mailbox;
    std::uint32_t uid = 0;
    std::int64_t date = 0;
};

store::Result<std::unique_ptr<store::Mailbox>> open_now(store::Account& account, const std::string& name) {
    auto mailbox = account.open(name);
    if (!mailbox)
        return mailbox;
    if (auto refreshed = (*mailbox)->refresh(); !refreshed)
        return std::unexpected(refreshed.error());
    return mailbox;
}

// The newest messages of all mailboxes, the newest last.
std::vector<Stored> newest(store::Account& account, std::size_t count) {
    std::vector<Stored> found;
    auto mailboxes = account.list();
    if (!mailboxes)
        command::fatal(mailboxes.error().text, kTryLater);
    for (const std::string& name : *mailboxes) {
        auto mailbox = open_now(account, name);
        if (!mailbox)
            continue;  // an INBOX that nothing came into yet
        auto messages = (*mailbox)->messages();
        if (!messages)
            command::fatal(messages.error().text, kTryLater);
        // UIDs grow with time: of one mailbox only the last can be among the newest.
        const std::size_t first = messages->size() > count ? messages->size() - count : 0;
        for (std::size_t i = first; i < messages->size(); ++i) {
            const std::uint32_t uid = (*messages)[i].uid;
            auto date = (*mailbox)->internal_date(uid);
            found.push_back({name, uid, date ? *date : 0});
        }
    }
    std::sort(found.begin(), found.end(), [](const Stored& a, const Stored& b) { return a.date < b.date; });
    if (found.size() > count)
        found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(count));
    return found;
}

std::string field_of(std::string_view text, std::string_view name) {
    message::HeaderReader reader(text);
    while (auto field = reader.next())
        if (message::equal_ignoring_case(field->name, name))
            return text::printable(message::unfold(field->body));
    return "";
}

// A message from its file, as the script would have seen it: lines end in CR LF.
std::string with_crlf(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out += '\r';
        out += text[i];
    }
    return out;
}

// What a script would have done; nothing is changed.
int replay(const Context& context, const std::vector<std::string>& options) {
    std::string file;
    std::size_t last = 100;
    for (std::size_t i = 0; i + 1 < options.size(); i += 2) {
        const auto number = text::parse_number(options[i + 1]);
        if (options[i] == "--script")
            file = options[i + 1];
        else if (options[i] == "--last" && number && *number > 0)
            last = static_cast<std::size_t>(*number);
        else
            command::fatal(kSieveUsage, kUsageError);
    }
    if (file.empty() || options.size() % 2 != 0)
        command::fatal(kSieveUsage, kUsageError);
    auto script = scripts::load_script(file, static_cast<std::size_t>(context.params.max_script_size()));
    if (!script)
        return fail(script.error());
    const sieve::Compiled compiled = compile_for(context, script->name, script->text);
    show_problems(compiled);
    if (!compiled.ok())
        return kDataError;
    auto account = store::open_account({context.mail, context.params.hierarchy_separator().front()});
    if (!account)
        command::fatal(account.error().text, kTryLater);
    const sieve::Settings settings = scripts::settings_of(context.params, context.owner);
    std::unique_ptr<scripts::Memory> memory;
    const std::string memory_path = scripts::memory_path(context.owner, context.mail);
    if (auto opened = scripts::Memory::open(memory_path, scripts::Memory::Durable::yes))
        memory = std::move(*opened);
    for (const Stored& stored : newest(**account, last)) {
        auto mailbox = open_now(**account, stored.mailbox);
        auto content = mailbox ? (*mailbox)->content(stored.uid)
                               : store::Result<store::Content>(std::unexpected(mailbox.error()));
        if (!content)
            continue;  // gone meanwhile
        const std::string octets = with_crlf(content->text());
        const std::string to = field_of(octets, "Delivered-To");
        std::string from = field_of(octets, "Return-Path");
        if (from.size() >= 2 && from.front() == '<')
            from = from.substr(1, from.size() - 2);
        scripts::HostFacts facts;
        facts.envelope.from = from;
        facts.envelope.to = to.empty() ? context.owner.name : to;
        facts.user = context.owner.name;
        facts.hostname = context.params.myhostname();
        facts.version = context.params.mail_version();
        facts.special_uses = context.params.special_uses();
        MailHost host(std::move(facts), **account, memory.get());
        const sieve::Message message(octets);
        sieve::Interpreter interpreter(message, host, settings);
        const sieve::Outcome outcome = interpreter.run(*compiled.program);
        fmt::print("{} {}: {}\n", stored.mailbox, stored.uid, field_of(octets, "Subject"));
        for (const sieve::Action& action : outcome.actions)
            fmt::print("    {}{}\n", sieve::format_action(action),
                action.implicit ? " (implicit)" : fmt::format(" (line {})", action.cause.line));
        if (outcome.actions.empty())
            fmt::print("    discard\n");
        if (!outcome.error.empty())
            fmt::print("    error: {}\n", outcome.error);
    }
    return 0;
}

struct Subcommand {
    std::string_view name;
    int arguments;  // -1: its own options
    int (*run)(const Context&, const std::vector<std::string>&);
};

constexpr Subcommand kSubcommands[] = {
    {"list", 0, list},
    {"get", 1, get},
    {"put", 1, put},
    {"activate", 1, activate},
    {"deactivate", 0, deactivate},
    {"delete", 1, remove},
    {"why", 1, why},
    {"replay", -1, replay},
};

}  // namespace

int run_sieve_command(config::MainCf& cf, const auth::UserEntry& user, const std::vector<std::string>& words) {
    const auto* found = std::find_if(
        std::begin(kSubcommands), std::end(kSubcommands), [&](const Subcommand& one) { return one.name == words[0]; });
    const std::vector<std::string> arguments(words.begin() + 1, words.end());
    if (found == std::end(kSubcommands) ||
        (found->arguments >= 0 && arguments.size() != static_cast<std::size_t>(found->arguments)))
        command::fatal(fmt::format("usage:\n{}", kSieveUsage), kUsageError);
    sieve_delivery::Params params;
    for (const config::Problem& problem : params.load(cf))
        command::warn(config::format_problem(problem));
    const account::Owner owner{user.name, user.home};
    auto places = account::places_of(params, owner);
    auto mail = account::mail_of(params.mail_location(), user.name, user.home);
    if (!places || !mail)
        command::fatal(!places ? places.error() : mail.error(), kCannot);
    const Context context{params, owner, *places, *mail};
    become(user);
    return found->run(context, arguments);
}

}  // namespace mailadm
