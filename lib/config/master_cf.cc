#include "lib/config/master_cf.h"

#include <expected>

#include "lib/config/logical_lines.h"
#include "lib/config/main_cf.h"
#include "lib/config/values.h"

namespace config {
namespace {

constexpr std::size_t kColumns = 8;
constexpr std::string_view kBlank = " \t\r\n";

struct TypeName {
    std::string_view name;
    ServiceType type;
};
constexpr TypeName kTypes[] = {
    {"inet", ServiceType::inet},
    {"unix", ServiceType::unix_stream},
    {"fifo", ServiceType::fifo},
    {"pass", ServiceType::pass},
    {"unix-dgram", ServiceType::unix_dgram},
};

using Parsed = std::expected<Service, std::string>;

std::string wrong_field(std::string_view field, std::string_view value, std::string_view wanted) {
    return "invalid " + std::string(field) + " field \"" + std::string(value) + "\": " + std::string(wanted);
}

std::expected<bool, std::string> parse_flag(std::string_view field, std::string_view value, bool when_dash) {
    if (value == "y")
        return true;
    if (value == "n")
        return false;
    if (value == "-")
        return when_dash;
    return std::unexpected(wrong_field(field, value, "y, n or - is wanted"));
}

std::expected<int, std::string> parse_count(std::string_view field, std::string_view value) {
    std::expected<std::int64_t, std::string> number = parse_integer(value);
    if (!number || *number < 0 || *number > std::numeric_limits<int>::max())
        return std::unexpected(wrong_field(field, value, "a whole number or - is wanted"));
    return static_cast<int>(*number);
}

std::expected<void, std::string> parse_wakeup(std::string_view value, Service& service) {
    if (value == "-")
        return {};
    std::string_view number = value;
    if (number.ends_with('?')) {
        service.wakeup_if_used = true;
        number.remove_suffix(1);
    }
    std::expected<int, std::string> seconds = parse_count("wakeup", number);
    if (!seconds)
        return std::unexpected(wrong_field("wakeup", value, "seconds, seconds with \"?\", or - is wanted"));
    service.wakeup = std::chrono::seconds(*seconds);
    return {};
}

// Sorts "-o name=value" out of the options; the rest goes to args. What follows the first argument that is no
// option is the program's own, so that pipe(8) can run commands that have an -o themselves.
std::expected<void, std::string> parse_arguments(const std::vector<std::string>& tokens, Service& service) {
    bool in_options = true;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        std::string_view token = tokens[i];
        if (!token.starts_with('-'))
            in_options = false;
        if (!in_options || !token.starts_with("-o")) {
            service.args.emplace_back(token);
            continue;
        }
        std::string_view setting = token.substr(2);
        if (setting.empty()) {
            if (++i == tokens.size())
                return std::unexpected(std::string("-o wants name=value behind it"));
            setting = tokens[i];
        }
        std::expected<NameValue, std::string> pair = split_name_value(setting);
        if (!pair)
            return std::unexpected(pair.error());
        service.overrides.emplace_back(pair->name, pair->value);
    }
    return {};
}

Parsed parse_service(const LogicalLine& line) {
    std::vector<std::string> tokens = split_tokens(line.text, kBlank);
    if (tokens.size() < kColumns)
        return std::unexpected(
            "bad field count: eight columns are wanted (service, type, private, unpriv, chroot, "
            "wakeup, maxproc, command), here are " +
            std::to_string(tokens.size()));
    Service service;
    service.line = line.line;
    service.columns.assign(tokens.begin(), tokens.begin() + kColumns);
    service.written_args.assign(tokens.begin() + kColumns, tokens.end());
    service.name = tokens[0];
    const TypeName* type = nullptr;
    for (const TypeName& candidate : kTypes) {
        if (candidate.name == tokens[1])
            type = &candidate;
    }
    if (type == nullptr)
        return std::unexpected(wrong_field("type", tokens[1], "inet, unix, fifo, pass or unix-dgram is wanted"));
    service.type = type->type;

    auto is_private = parse_flag("private", tokens[2], true);
    auto unprivileged = parse_flag("unprivileged", tokens[3], true);
    auto chroot = parse_flag("chroot", tokens[4], false);
    for (const auto* flag : {&is_private, &unprivileged, &chroot}) {
        if (!*flag)
            return std::unexpected(flag->error());
    }
    // The sockets of inet services belong to the network, whatever the column says.
    service.is_private = *is_private && service.type != ServiceType::inet;
    service.unprivileged = *unprivileged;
    service.chroot = *chroot;
    if (auto wakeup = parse_wakeup(tokens[5], service); !wakeup)
        return std::unexpected(wakeup.error());
    if (tokens[6] != "-") {
        std::expected<int, std::string> limit = parse_count("process_limit", tokens[6]);
        if (!limit)
            return std::unexpected(limit.error());
        service.process_limit = *limit;
    }
    service.command = tokens[7];
    if (auto arguments = parse_arguments(service.written_args, service); !arguments)
        return std::unexpected(arguments.error());
    return service;
}

}  // namespace

std::string_view service_type_name(ServiceType type) {
    for (const TypeName& candidate : kTypes) {
        if (candidate.type == type)
            return candidate.name;
    }
    return "";
}

std::string Service::key() const { return name + "/" + std::string(service_type_name(type)); }

const std::string* Service::find_override(std::string_view parameter) const {
    const std::string* value = nullptr;
    for (const auto& [name, text] : overrides) {
        if (name == parameter)
            value = &text;  // the last one wins
    }
    return value;
}

MasterCf MasterCf::load(const std::string& directory) {
    std::string path = directory + "/master.cf";
    std::expected<std::string, std::string> text = read_text_file(path);
    if (text)
        return parse(*text, path);
    MasterCf cf;
    cf.problems_.push_back(unreadable_file(path, text.error()));
    return cf;
}

MasterCf MasterCf::parse(std::string_view text, const std::string& file_name) {
    MasterCf cf;
    for (const LogicalLine& line : split_logical_lines(text)) {
        if (line.starts_blank) {
            cf.problems_.push_back(
                {file_name, line.line, "", "a service must not begin with blank space: \"" + line.text + "\"", true});
            continue;
        }
        Parsed service = parse_service(line);
        if (!service) {
            cf.problems_.push_back({file_name, line.line, "", service.error(), true});
            continue;
        }
        service->file = file_name;
        if (const Service* first = cf.find(service->name, service->type)) {
            cf.problems_.push_back({file_name, line.line, "",
                "service " + service->key() + " is there already, on line " + std::to_string(first->line), true});
            continue;
        }
        cf.services_.push_back(std::move(*service));
    }
    return cf;
}

const Service* MasterCf::find(std::string_view name, ServiceType type) const {
    for (const Service& service : services_) {
        if (service.name == name && service.type == type)
            return &service;
    }
    return nullptr;
}

}  // namespace config
