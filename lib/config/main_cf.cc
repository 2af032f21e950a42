#include "lib/config/main_cf.h"

#include "lib/config/expand.h"
#include "lib/config/known_names.h"
#include "lib/config/logical_lines.h"
#include "lib/config/place.h"

namespace config {
namespace {

constexpr std::string_view kBlank = " \t\r\n\f\v";
// A chain of names longer than this is a circle.
constexpr int kMaxDepth = 100;

std::string_view trim(std::string_view text) {
    std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

std::expected<NameValue, std::string> split_name_value(std::string_view text) {
    std::string_view rest = trim(text);
    std::size_t name_end = rest.find_first_of(" \t\r\n\f\v=");
    std::string_view name = rest.substr(0, name_end);
    if (name.empty())
        return std::unexpected("missing attribute name: \"" + std::string(text) + "\"");
    rest = trim(rest.substr(name.size()));
    if (rest.empty() || rest.front() != '=')
        return std::unexpected("missing '=' after attribute name: \"" + std::string(text) + "\"");
    return NameValue{std::string(name), std::string(trim(rest.substr(1)))};
}

MainCf MainCf::load(const std::string& given) {
    std::string directory = absolute_directory(given);
    std::string path = directory + "/main.cf";
    std::expected<std::string, std::string> text = read_text_file(path);
    MainCf cf;
    if (text)
        cf = parse(*text, path);
    else
        cf.problems_.push_back(unreadable_file(path, text.error()));
    cf.directory_ = directory;
    cf.settings_.insert_or_assign("config_directory", Setting{directory, path, 0});
    return cf;
}

MainCf MainCf::parse(std::string_view text, const std::string& file_name) {
    MainCf cf;
    for (const LogicalLine& line : split_logical_lines(text)) {
        if (line.starts_blank) {
            cf.problems_.push_back(
                {file_name, line.line, "", "a setting must not begin with blank space: \"" + line.text + "\"", true});
            continue;
        }
        std::expected<NameValue, std::string> setting = split_name_value(line.text);
        if (!setting) {
            cf.problems_.push_back({file_name, line.line, "", setting.error(), true});
            continue;
        }
        cf.settings_.insert_or_assign(setting->name, Setting{setting->value, file_name, line.line});
    }
    return cf;
}

void MainCf::set(std::string_view name, std::string_view value) {
    settings_.insert_or_assign(std::string(name), Setting{std::string(trim(value)), "", 0});
}

void MainCf::set_default(std::string_view name, std::string text) {
    defaults_.try_emplace(std::string(name), Default{std::move(text), nullptr});
}

void MainCf::set_default(std::string_view name, Derive derive) {
    defaults_.try_emplace(std::string(name), Default{"", std::move(derive)});
}

const Setting* MainCf::find(std::string_view name) const {
    auto found = settings_.find(name);
    return found == settings_.end() ? nullptr : &found->second;
}

std::optional<std::string> MainCf::raw(std::string_view name) const {
    if (const Setting* setting = find(name))
        return setting->text;
    auto found = defaults_.find(name);
    if (found == defaults_.end()) {
        std::optional<TransportName> dynamic = split_transport_name(name);
        if (!dynamic || dynamic->transport == "default")
            return std::nullopt;
        // postconf(5): transport_initial_destination_concurrency has its default under its own name.
        bool is_initial = dynamic->suffix.starts_with("initial_");
        return (is_initial ? "$" : "$default_") + std::string(dynamic->suffix);
    }
    return found->second.derive ? found->second.derive(*this) : found->second.text;
}

std::expected<std::optional<std::string>, std::string> MainCf::value_of(std::string_view name, int depth) const {
    std::optional<std::string> text = raw(name);
    if (!text)
        return std::optional<std::string>();
    if (depth > kMaxDepth)
        return std::unexpected("its value refers to itself, by way of $" + std::string(name));
    Lookup lookup = [this, depth](std::string_view inner) { return value_of(inner, depth + 1); };
    std::expected<std::string, std::string> value = config::expand(*text, lookup);
    if (!value)
        return std::unexpected(value.error());
    return std::optional<std::string>(std::move(*value));
}

std::expected<std::optional<std::string>, std::string> MainCf::try_get(std::string_view name) const {
    return value_of(name, 0);
}

std::optional<std::string> MainCf::get(std::string_view name) const {
    auto value = value_of(name, 0);
    return value ? *value : std::optional<std::string>(std::in_place);
}

std::expected<std::string, std::string> MainCf::expand(std::string_view text) const {
    Lookup lookup = [this](std::string_view name) { return value_of(name, 1); };
    return config::expand(text, lookup);
}

}  // namespace config
