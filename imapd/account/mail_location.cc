#include "imapd/account/mail_location.h"

#include <fmt/format.h>

#include "lib/store/storage.h"

namespace account {
namespace {

bool is_safe_component(std::string_view name) {
    return !name.empty() && name.size() <= 255 && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
           name.find('\0') == std::string_view::npos;
}

}  // namespace

std::expected<std::string, std::string> mail_of(std::string_view location, std::string_view user, std::string_view home) {
    std::expected<store::Location, std::string> parsed = store::parse_location(location);
    if (!parsed)
        return std::unexpected(parsed.error());
    std::expected<std::string, std::string> path = user_path("mail_location", parsed->path, user, home);
    if (!path)
        return path;
    parsed->path = *path;
    return parsed->text();
}

std::expected<std::string, std::string> user_path(
    std::string_view what_it_is, std::string_view path, std::string_view user, std::string_view home) {
    auto wrong = [&](std::string_view why) { return std::unexpected(fmt::format("{} \"{}\": {}", what_it_is, path, why)); };
    std::string_view domain = user.find('@') == std::string_view::npos ? "" : user.substr(user.rfind('@') + 1);
    std::string_view local = user.substr(0, user.rfind('@'));

    std::string root;
    for (std::size_t i = 0; i < path.size(); ++i) {
        bool home_here = path[i] == '~' && i == 0;
        if (path[i] != '%' && !home_here) {
            root += path[i];
            continue;
        }
        char what = home_here ? 'h' : ++i < path.size() ? path[i] : '\0';
        std::string_view value;
        switch (what) {
        case 'h': value = home; break;
        case 'u': value = user; break;
        case 'n': value = local; break;
        case 'd': value = domain; break;
        case '%': value = "%"; break;
        default: return wrong(fmt::format("%{} is not one of %h %u %n %d", what));
        }
        if (what == 'h' && value.empty())
            return wrong("the user has no home directory");
        if ((what == 'u' || what == 'n' || what == 'd') && !is_safe_component(value))
            return wrong("the user's name cannot be part of a path");
        root += value;
    }
    if (!root.starts_with('/'))
        return wrong("the path is not absolute");
    if (root.find('\0') != std::string::npos)
        return wrong("NUL in the path");
    return root;
}

}  // namespace account
