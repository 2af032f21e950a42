#include "lib/config/expand.h"

#include <array>
#include <cctype>
#include <charconv>

namespace config {
namespace {

using Result = std::expected<std::string, std::string>;

// Nested ${..?..} in one value; far more than anybody writes, few enough for the stack.
constexpr int kMaxDepth = 100;

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; }

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

std::unexpected<std::string> complaint(std::string_view what, std::string_view where) {
    return std::unexpected(std::string(what) + " at: \"" + std::string(where) + "\"");
}

// Where the brace that opens at `start` closes; npos when it does not.
std::size_t find_close(std::string_view text, std::size_t start) {
    char open = text[start];
    char close = open == '{' ? '}' : ')';
    int level = 0;
    for (std::size_t i = start; i < text.size(); ++i) {
        if (text[i] == open)
            ++level;
        else if (text[i] == close && --level == 0)
            return i;
    }
    return std::string_view::npos;
}

std::optional<unsigned long long> parse_number(std::string_view text) {
    unsigned long long value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

// major[.minor[.patch]]
std::optional<std::array<unsigned long long, 3>> parse_level(std::string_view text) {
    std::array<unsigned long long, 3> level{};
    for (std::size_t part = 0; part < level.size(); ++part) {
        std::size_t dot = text.find('.');
        std::optional<unsigned long long> number = parse_number(text.substr(0, dot));
        if (!number)
            return std::nullopt;
        level[part] = *number;
        if (dot == std::string_view::npos)
            return level;
        text.remove_prefix(dot + 1);
    }
    return std::nullopt;
}

struct Operator {
    std::string_view spelling;
    bool less, equal, greater;
};

// The longest spelling first.
constexpr Operator kOperators[] = {
    {"==", false, true, false},
    {"!=", true, false, true},
    {"<=", true, true, false},
    {">=", false, true, true},
    {"<", true, false, false},
    {">", false, false, true},
};

class Expander {
  public:
    explicit Expander(const Lookup& lookup) : lookup_(lookup) {}

    Result expand(std::string_view text) {
        if (++depth_ > kMaxDepth)
            return std::unexpected(std::string("the expression is nested too deeply"));
        Result result = expand_inner(text);
        --depth_;
        return result;
    }

  private:
    Result expand_inner(std::string_view text) {
        std::string out;
        std::size_t i = 0;
        while (i < text.size()) {
            if (text[i] != '$') {
                out += text[i++];
            } else if (i + 1 < text.size() && text[i + 1] == '$') {
                out += '$';
                i += 2;
            } else {
                Result part = expand_reference(text, i);
                if (!part)
                    return part;
                out += *part;
            }
        }
        return out;
    }

    // text[i] is the dollar sign; leaves i behind the reference.
    Result expand_reference(std::string_view text, std::size_t& i) {
        std::size_t start = i++;
        if (i < text.size() && (text[i] == '{' || text[i] == '(')) {
            std::size_t close = find_close(text, i);
            if (close == std::string_view::npos)
                return std::unexpected("truncated macro reference: \"" + std::string(text.substr(start)) + "\"");
            std::string_view body = text.substr(i + 1, close - i - 1);
            i = close + 1;
            if (trim(body).empty())
                return std::unexpected("empty macro name: \"" + std::string(text.substr(start, i - start)) + "\"");
            return evaluate(body);
        }
        std::size_t end = i;
        while (end < text.size() && is_name_char(text[end]))
            ++end;
        if (end == i)
            return std::unexpected("empty macro name: \"" + std::string(text.substr(start)) + "\"");
        std::string_view name = text.substr(i, end - i);
        i = end;
        return look_up(name);
    }

    Result look_up(std::string_view name) {
        auto value = lookup_(name);
        if (!value)
            return std::unexpected(value.error());
        return value->value_or(std::string());
    }

    // The inside of ${...}.
    Result evaluate(std::string_view body) {
        std::string_view rest = body;
        while (!rest.empty() && is_space(rest.front()))
            rest.remove_prefix(1);
        bool holds = false;
        std::string plain;
        if (rest.front() == '{') {
            std::expected<bool, std::string> compared = compare(rest);
            if (!compared)
                return std::unexpected(compared.error());
            holds = *compared;
            plain = holds ? "true" : "";
        } else {
            std::size_t end = 0;
            while (end < rest.size() && is_name_char(rest[end]))
                ++end;
            if (end == 0)
                return complaint("attribute name syntax error", rest);
            Result value = look_up(rest.substr(0, end));
            if (!value)
                return value;
            plain = *value;
            holds = !plain.empty();
            rest.remove_prefix(end);
        }
        std::string_view after = rest;
        while (!after.empty() && is_space(after.front()))
            after.remove_prefix(1);
        if (after.empty())
            return plain;
        if (after.front() != '?' && after.front() != ':')
            return complaint("attribute name syntax error", after);
        return choose(after, holds);
    }

    // rest is "?text", "?{text}", "?{text}:{text}", ":text" or ":{text}".
    Result choose(std::string_view rest, bool holds) {
        bool wanted = rest.front() == '?';
        std::string_view text = rest.substr(1);
        std::string_view inner = text;
        while (!inner.empty() && is_space(inner.front()))
            inner.remove_prefix(1);
        if (inner.empty() || inner.front() != '{')
            return holds == wanted ? expand(text) : Result(std::string());
        std::expected<std::string_view, std::string> first = take_group(inner);
        if (!first)
            return std::unexpected(first.error());
        if (inner.empty())
            return holds == wanted ? expand(*first) : Result(std::string());
        if (!wanted)
            return complaint("unexpected input", inner);
        if (inner.front() != ':')
            return complaint("\":\" expected", inner);
        std::string_view second = inner.substr(1);
        std::string_view second_inner = second;
        while (!second_inner.empty() && is_space(second_inner.front()))
            second_inner.remove_prefix(1);
        if (!second_inner.empty() && second_inner.front() == '{') {
            std::expected<std::string_view, std::string> group = take_group(second_inner);
            if (!group)
                return std::unexpected(group.error());
            if (!second_inner.empty())
                return complaint("unexpected input", second_inner);
            second = *group;
        }
        return expand(holds ? *first : second);
    }

    // Takes "{ text }" off the front, and the blank space behind it; gives the trimmed text.
    std::expected<std::string_view, std::string> take_group(std::string_view& rest) {
        std::size_t close = find_close(rest, 0);
        if (close == std::string_view::npos)
            return complaint("missing \"}\"", rest);
        std::string_view group = trim(rest.substr(1, close - 1));
        rest.remove_prefix(close + 1);
        while (!rest.empty() && is_space(rest.front()))
            rest.remove_prefix(1);
        return group;
    }

    std::expected<bool, std::string> compare(std::string_view& rest) {
        std::expected<std::string_view, std::string> left_text = take_group(rest);
        if (!left_text)
            return std::unexpected(left_text.error());
        const Operator* found = nullptr;
        for (const Operator& candidate : kOperators) {
            if (found == nullptr && rest.starts_with(candidate.spelling))
                found = &candidate;
        }
        if (found == nullptr)
            return complaint("\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected", rest);
        rest.remove_prefix(found->spelling.size());
        bool as_level = rest.starts_with("level");
        if (as_level)
            rest.remove_prefix(5);
        while (!rest.empty() && is_space(rest.front()))
            rest.remove_prefix(1);
        if (rest.empty() || rest.front() != '{')
            return complaint("\"{expression}\" expected", rest);
        std::expected<std::string_view, std::string> right_text = take_group(rest);
        if (!right_text)
            return std::unexpected(right_text.error());
        Result left = expand(*left_text);
        if (!left)
            return std::unexpected(left.error());
        Result right = expand(*right_text);
        if (!right)
            return std::unexpected(right.error());
        std::expected<int, std::string> order = as_level ? order_levels(*left, *right) : order_texts(*left, *right);
        if (!order)
            return std::unexpected(order.error());
        return *order < 0 ? found->less : *order > 0 ? found->greater : found->equal;
    }

    static int order_texts(const std::string& left, const std::string& right) {
        auto a = parse_number(left);
        auto b = parse_number(right);
        if (a && b)
            return *a < *b ? -1 : *a > *b ? 1 : 0;
        return left.compare(right);
    }

    static std::expected<int, std::string> order_levels(const std::string& left, const std::string& right) {
        auto a = parse_level(left);
        auto b = parse_level(right);
        if (!a || !b)
            return complaint("bad compatibility level", a ? right : left);
        return *a < *b ? -1 : *a > *b ? 1 : 0;
    }

    const Lookup& lookup_;
    int depth_ = 0;
};

void collect_names(std::string_view text, std::vector<std::string>& names) {
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        if (text[i] != '$')
            continue;
        ++i;
        if (text[i] == '$')
            continue;
        std::size_t start = text[i] == '{' || text[i] == '(' ? i + 1 : i;
        while (start < text.size() && start > i && is_space(text[start]))
            ++start;
        std::size_t end = start;
        while (end < text.size() && is_name_char(text[end]))
            ++end;
        if (end > start)
            names.emplace_back(text.substr(start, end - start));
    }
}

}  // namespace

Result expand(std::string_view text, const Lookup& lookup) {
    if (text.find('$') == std::string_view::npos)
        return std::string(text);
    return Expander(lookup).expand(text);
}

std::vector<std::string> referenced_names(std::string_view text) {
    std::vector<std::string> names;
    collect_names(text, names);
    return names;
}

}  // namespace config
