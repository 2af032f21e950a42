#include "lib/managesieve/grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "lib/text/text.h"

namespace managesieve {
namespace {

constexpr std::size_t kMaxQuoted = 1024;  // RFC 5804, 1.2
constexpr std::size_t kMaxName = 20;
constexpr std::size_t kMaxArguments = 3;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Walks a command. `wrong` is set at the first thing that is none.
struct Reader {
    std::string_view rest;
    std::string wrong;

    bool fail(const char* why) {
        wrong = why;
        return false;
    }
    bool quoted(std::string& into) {
        rest.remove_prefix(1);
        while (!rest.empty() && rest.front() != '"') {
            char c = rest.front();
            rest.remove_prefix(1);
            if (c == '\\') {
                if (rest.empty() || (rest.front() != '"' && rest.front() != '\\'))
                    return fail("only \" and \\ are escaped in a string");
                c = rest.front();
                rest.remove_prefix(1);
            }
            if (c == '\0' || c == '\r' || c == '\n')
                return fail("a quoted string has no NUL and no line end");
            into += c;
            if (into.size() > kMaxQuoted)
                return fail("a quoted string is too long, send a literal");
        }
        if (rest.empty())
            return fail("a string does not end");
        rest.remove_prefix(1);
        return true;
    }
    bool literal(std::string& into) {
        const std::size_t end = rest.find('\n');
        const auto size = end == std::string_view::npos ? std::nullopt : literal_at_end(rest.substr(0, end));
        if (!size || *size > rest.size() - end - 1)
            return fail("a literal is malformed");
        into = rest.substr(end + 1, static_cast<std::size_t>(*size));
        rest.remove_prefix(end + 1 + static_cast<std::size_t>(*size));
        return true;
    }
    bool number(std::uint64_t& into) {
        std::size_t end = 0;
        while (end < rest.size() && is_digit(rest[end]))
            ++end;
        const auto value = end <= 10 ? text::parse_number(rest.substr(0, end)) : std::nullopt;
        if (!value || *value > 0xffffffff)
            return fail("a number is out of range");  // RFC 5804, 4: 32 bits
        into = *value;
        rest.remove_prefix(end);
        return true;
    }
    bool argument(Argument& into) {
        if (rest.empty())
            return fail("an argument is missing");
        if (rest.front() == '"')
            return quoted(into.text);
        if (rest.front() == '{')
            return literal(into.text);
        if (is_digit(rest.front())) {
            into.kind = Argument::Kind::number;
            return number(into.number);
        }
        return fail("an argument is neither string nor number");
    }
};

}  // namespace

bool Command::has(std::string_view kinds) const {
    if (arguments.size() != kinds.size())
        return false;
    for (std::size_t i = 0; i < kinds.size(); ++i)
        if ((kinds[i] == 's') != (arguments[i].kind == Argument::Kind::string))
            return false;
    return true;
}

std::optional<std::uint64_t> literal_at_end(std::string_view line) {
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    if (!line.ends_with('}'))
        return std::nullopt;
    line.remove_suffix(1);
    if (line.ends_with('+'))
        line.remove_suffix(1);
    const std::size_t open = line.rfind('{');
    if (open == std::string_view::npos)
        return std::nullopt;
    const std::string_view digits = line.substr(open + 1);
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit))
        return std::nullopt;
    // A "{3}" at the end of a quoted string is text.
    bool in_string = false;
    for (std::size_t i = 0; i < open; ++i) {
        if (line[i] == '\\' && in_string)
            ++i;
        else if (line[i] == '"')
            in_string = !in_string;
    }
    if (in_string)
        return std::nullopt;
    return digits.size() > 18 ? std::numeric_limits<std::uint64_t>::max() : text::parse_number(digits);
}

std::expected<Command, std::string> parse_command(std::string_view text) {
    const std::size_t end = std::min(text.find(' '), text.size());
    Command command;
    command.name = text::upper(text.substr(0, end));
    const bool is_word = !command.name.empty() && command.name.size() <= kMaxName &&
                         std::all_of(command.name.begin(), command.name.end(), text::is_alpha);
    if (!is_word)
        return std::unexpected("This is no command");
    Reader reader{text.substr(end), {}};
    while (!reader.rest.empty()) {
        if (reader.rest.front() != ' ')
            return std::unexpected("Arguments are divided by one space");
        reader.rest.remove_prefix(1);
        if (command.arguments.size() == kMaxArguments)
            return std::unexpected("Too many arguments");
        if (!reader.argument(command.arguments.emplace_back()))
            return std::unexpected(reader.wrong);
    }
    return command;
}

std::string format_string(std::string_view text) {
    if (text.size() > kMaxQuoted || text.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
        return fmt::format("{{{}}}\r\n{}", text.size(), text);
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::string format_reply(std::string_view word, std::string_view code, std::string_view text) {
    std::string reply(word);
    if (!code.empty())
        reply += fmt::format(" ({})", code);
    if (!text.empty())
        reply += " " + format_string(text);
    return reply + "\r\n";
}

std::string format_capabilities(const Capabilities& capabilities) {
    std::string lines;
    auto add = [&lines](std::string_view name, std::optional<std::string> value) {
        lines += format_string(name);
        if (value)
            lines += " " + format_string(*value);
        lines += "\r\n";
    };
    add("IMPLEMENTATION", capabilities.implementation);
    add("SIEVE", fmt::format("{}", fmt::join(capabilities.sieve, " ")));
    if (!capabilities.notify.empty())
        add("NOTIFY", fmt::format("{}", fmt::join(capabilities.notify, " ")));
    add("SASL", fmt::format("{}", fmt::join(capabilities.mechanisms, " ")));
    if (capabilities.starttls)
        add("STARTTLS", std::nullopt);
    add("MAXREDIRECTS", std::to_string(capabilities.max_redirects));
    if (!capabilities.owner.empty())
        add("OWNER", capabilities.owner);
    add("UNAUTHENTICATE", std::nullopt);
    add("VERSION", "1.0");
    return lines;
}

}  // namespace managesieve
