#include "lib/authres/authres.h"

#include <algorithm>

#include "lib/authres/scanner.h"
#include "lib/text/text.h"

namespace authres {
namespace {

using Failed = std::unexpected<std::string>;

// RFC 8601, 2.2: propspec, what stands before "=" has been looked at for reason= already.
std::expected<Property, std::string> parse_property(Scanner& scanner, std::string type) {
    Property property{.type = std::move(type), .name = {}, .value = {}};
    scanner.skip_cfws();
    if (!scanner.take('.'))
        return Failed("\"" + property.type + "\" has neither \".property\" nor \"=\" behind it");
    scanner.skip_cfws();
    property.name = text::lower(scanner.take_keyword());
    scanner.skip_cfws();
    if (property.name.empty() || !scanner.take('='))
        return Failed("the property " + property.type + "." + property.name + " has no \"=\"");
    scanner.skip_cfws();
    if (auto value = scanner.take_value())
        property.value = std::move(*value);
    return property;
}

std::expected<void, std::string> parse_details(Scanner& scanner, Result& result) {
    bool may_be_comment = true;
    for (;;) {
        std::optional<std::string> comment = scanner.skip_cfws();
        if (comment && may_be_comment)
            result.comment = std::move(*comment);
        may_be_comment = false;
        if (scanner.at_end() || scanner.peek() == ';')
            return {};
        std::string word = text::lower(scanner.take_keyword());
        if (word.empty())
            return Failed(std::string("\"") + scanner.peek() + "\" stands where a property should be");
        scanner.skip_cfws();
        if (word == "reason" && scanner.take('=')) {
            scanner.skip_cfws();
            result.reason = scanner.take_value().value_or("");
            continue;
        }
        if (result.properties.size() == kMaxProperties)
            return Failed("more than " + std::to_string(kMaxProperties) + " properties");
        auto property = parse_property(scanner, std::move(word));
        if (!property)
            return Failed(property.error());
        result.properties.push_back(std::move(*property));
    }
}

std::expected<Result, std::string> parse_result(Scanner& scanner, std::string method) {
    Result result;
    result.method = std::move(method);
    scanner.skip_cfws();
    if (scanner.take('/')) {
        scanner.skip_cfws();
        const auto version = scanner.take_number();
        if (!version)
            return Failed("the version of " + result.method + " is no number");
        result.version = *version;
        scanner.skip_cfws();
    }
    if (!scanner.take('='))
        return Failed("\"" + result.method + "\" has no \"=result\"");
    scanner.skip_cfws();
    result.result = text::lower(scanner.take_keyword());
    if (result.result.empty())
        return Failed(result.method + "= has no result");
    if (auto details = parse_details(scanner, result); !details)
        return Failed(details.error());
    return result;
}

bool is_token(std::string_view value) {
    return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return c > ' ' && c != 127 && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
    });
}

// RFC 8601, 2.2: a value is a token or quoted; a property may also be [[local-part] "@"] domain-name. Octets of UTF-8
// are negative chars and thus quoted by the caller's choice of is_plain.
bool is_plain(std::string_view value) {
    const std::size_t at = value.find('@');
    if (at == std::string_view::npos)
        return is_token(value);
    return (at == 0 || is_token(value.substr(0, at))) && is_token(value.substr(at + 1));
}

std::string harmless(std::string_view value) {
    std::string out(value);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; }, '?');
    return out;
}

std::string escaped(std::string_view value, std::string_view specials) {
    std::string out;
    for (char c : harmless(value)) {
        if (specials.find(c) != std::string_view::npos)
            out += '\\';
        out += c;
    }
    return out;
}

std::string quoted_if_needed(std::string_view value) {
    return is_plain(value) ? std::string(value) : "\"" + escaped(value, "\\\"") + "\"";
}

std::string format_result(const Result& result, bool fold) {
    // A long result is folded in front of its properties; RFC 5322, 2.1.1 wants lines below 78 octets where possible.
    std::size_t line = 8;
    std::string out = result.method;
    if (result.version != 1)
        out += "/" + std::to_string(result.version);
    out += "=" + result.result;
    line += out.size();
    auto add = [&](const std::string& piece) {
        const bool breaks = fold && line + 1 + piece.size() > 76;
        out += breaks ? "\r\n\t " : " ";
        line = breaks ? 9 + piece.size() : line + 1 + piece.size();
        out += piece;
    };
    if (!result.comment.empty())
        add("(" + escaped(result.comment, "\\()") + ")");
    if (!result.reason.empty())
        add("reason=" + (is_token(result.reason) ? result.reason : "\"" + escaped(result.reason, "\\\"") + "\""));
    for (const Property& property : result.properties)
        add(property.type + "." + property.name + "=" + quoted_if_needed(property.value));
    return out;
}

}  // namespace

const std::string* Result::find(std::string_view type, std::string_view name) const {
    for (const Property& property : properties)
        if (property.type == type && property.name == name)
            return &property.value;
    return nullptr;
}

std::expected<Header, std::string> parse(std::string_view value) {
    Scanner scanner(value);
    Header header;
    scanner.skip_cfws();
    auto id = scanner.take_value();
    if (!id || id->empty())
        return Failed("there is no authserv-id");
    header.authserv_id = std::move(*id);
    scanner.skip_cfws();
    if (text::is_digit(scanner.peek())) {
        const auto version = scanner.take_number();
        scanner.skip_cfws();
        if (!version || *version != 1)
            return Failed("the version is not 1");  // RFC 8601, 2.2: others have another grammar
    }
    bool none = false;
    while (scanner.take(';')) {
        scanner.skip_cfws();
        if (scanner.at_end())
            break;  // a last ";" is common and harmless
        std::string method = text::lower(scanner.take_keyword());
        if (method.empty())
            return Failed(std::string("\"") + scanner.peek() + "\" stands where a method should be");
        scanner.skip_cfws();
        none = method == "none" && header.results.empty() && (scanner.at_end() || scanner.peek() == ';');
        if (none)
            continue;
        if (header.results.size() == kMaxResults)
            return Failed("more than " + std::to_string(kMaxResults) + " results");
        auto result = parse_result(scanner, std::move(method));
        if (!result)
            return Failed(result.error());
        header.results.push_back(std::move(*result));
    }
    if (scanner.broken())
        return Failed("a comment or quoted string has no end");
    if (!scanner.at_end())
        return Failed(std::string("\"") + scanner.peek() + "\" stands where \";\" should be");
    return header;
}

std::string format_results(const std::vector<Result>& results, bool fold) {
    std::string out;
    for (const Result& result : results) {
        if (!out.empty())
            out += fold ? ";\r\n\t" : "; ";
        out += format_result(result, fold);
    }
    return out.empty() ? "none" : out;
}

std::string format(const Header& header) {
    std::string out = is_token(header.authserv_id) ? header.authserv_id : "\"" + escaped(header.authserv_id, "\\\"") + "\"";
    if (header.version != 1)
        out += " " + std::to_string(header.version);
    out += header.results.empty() ? "; " : ";\r\n\t";
    return out + format_results(header.results, true);
}

bool claims_to_be(std::string_view value, std::string_view authserv_id) {
    if (authserv_id.empty())
        return false;
    Scanner scanner(value);
    scanner.skip_cfws();
    const auto id = scanner.take_value();
    if (id && !id->empty() && !scanner.broken()) {
        std::string_view found = *id;
        if (found.ends_with('.'))
            found.remove_suffix(1);
        if (text::equal_ignoring_case(found, authserv_id))
            return true;
        // "our.host/1" and its like: some reader may stop where its idea of a token ends.
        return text::starts_with_ignoring_case(found, authserv_id) && found.size() > authserv_id.size() &&
               !text::is_alnum(found[authserv_id.size()]) && found[authserv_id.size()] != '-' &&
               found[authserv_id.size()] != '.' && found[authserv_id.size()] != '_';
    }
    return text::lower(value).find(text::lower(authserv_id)) != std::string::npos;
}

}  // namespace authres
