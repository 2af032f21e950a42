#include "lib/message/content_type.h"

#include <algorithm>
#include <utility>

#include "lib/message/charset.h"
#include "lib/message/delimited.h"
#include "lib/message/header.h"
#include "lib/text/percent.h"

namespace message {
namespace {

class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    void skip() {
        std::size_t depth = 0;
        for (; position_ < text_.size(); ++position_) {
            char c = text_[position_];
            if (c == '(')
                ++depth;
            else if (c == ')' && depth > 0)
                --depth;
            else if (depth > 0 && c == '\\')
                position_ += position_ + 1 < text_.size() ? 1 : 0;
            else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n')
                break;
        }
    }

    bool at_end() const { return position_ >= text_.size(); }

    bool eat(char c) {
        if (at_end() || text_[position_] != c)
            return false;
        ++position_;
        return true;
    }

    // Up to one of the stop characters, trailing blanks and comments cut.
    std::string_view until(std::string_view stops) {
        std::size_t start = position_;
        position_ = std::min(text_.find_first_of(stops, start), text_.size());
        std::string_view found = text_.substr(start, position_ - start);
        return trim(found.substr(0, found.find('(')));
    }

    // Behind the opening quote.
    std::string quoted() {
        Delimited piece = read_quoted_string(text_, position_ - 1);
        position_ = piece.end;
        return std::move(piece.content);
    }

  private:
    std::string_view text_;
    std::size_t position_ = 0;
};

// name*N or name*N* of RFC 2231, 3.
struct Section {
    std::string name;
    unsigned number = 0;
    bool encoded = false;
    std::string value;
};

bool split_section(std::string_view name, Section& section) {
    std::size_t star = name.find('*');
    if (star == std::string_view::npos || star == 0)
        return false;
    std::string_view rest = name.substr(star + 1);
    section.name = name.substr(0, star);
    section.encoded = rest.ends_with('*');
    if (section.encoded)
        rest.remove_suffix(1);
    if (rest.empty() || rest.size() > 3)
        return false;
    section.number = 0;
    for (char c : rest) {
        if (c < '0' || c > '9')
            return false;
        section.number = section.number * 10 + static_cast<unsigned>(c - '0');
    }
    return true;
}

// Joins sections by their numbers; a gap ends the value (RFC 2231, 3).
void join_sections(std::vector<Section>& sections, std::vector<Parameter>& parameters) {
    std::stable_sort(sections.begin(), sections.end(),
        [](const Section& a, const Section& b) { return a.name != b.name ? a.name < b.name : a.number < b.number; });
    for (std::size_t i = 0; i < sections.size();) {
        Parameter joined{sections[i].name, ""};
        bool encoded = false;
        unsigned expected = 0;
        std::size_t j = i;
        for (; j < sections.size() && sections[j].name == sections[i].name; ++j) {
            if (sections[j].number != expected)
                continue;
            encoded = encoded || sections[j].encoded;
            joined.value += sections[j].value;
            ++expected;
        }
        if (encoded)
            joined.name += '*';
        if (expected > 0)
            parameters.push_back(std::move(joined));
        i = j;
    }
}

}  // namespace

std::string_view ParameterizedValue::find(std::string_view name) const {
    for (const Parameter& parameter : parameters) {
        if (parameter.name == name)
            return parameter.value;
    }
    return {};
}

ParameterizedValue parse_parameterized(std::string_view body) {
    ParameterizedValue result;
    Scanner scanner(body);
    scanner.skip();
    result.value = scanner.until(";");
    std::vector<Section> sections;
    while (scanner.eat(';') && result.parameters.size() + sections.size() < kMaxParameters) {
        scanner.skip();
        Parameter parameter;
        parameter.name = lower_ascii(scanner.until("=;"));
        if (!scanner.eat('='))
            continue;
        scanner.skip();
        if (scanner.eat('"')) {
            parameter.value = scanner.quoted();
            scanner.until(";");
        } else {
            parameter.value = scanner.until(";");
        }
        Section section;
        if (parameter.name.empty())
            continue;
        if (split_section(parameter.name, section)) {
            section.value = std::move(parameter.value);
            sections.push_back(std::move(section));
        } else {
            result.parameters.push_back(std::move(parameter));
        }
    }
    join_sections(sections, result.parameters);
    return result;
}

std::string decoded(const Parameter& parameter) {
    if (!parameter.name.ends_with('*'))
        return parameter.value;
    std::string_view rest = parameter.value;  // charset'language'text, RFC 2231, 4
    std::string charset = "utf-8";
    std::size_t first = rest.find('\'');
    std::size_t second = first == std::string_view::npos ? first : rest.find('\'', first + 1);
    if (second != std::string_view::npos) {
        charset = rest.substr(0, first);
        rest.remove_prefix(second + 1);
    }
    std::string bytes;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (const auto octet = text::percent_octet(rest, i)) {
            bytes += *octet;
            i += 2;
        } else {
            bytes += rest[i];
        }
    }
    return to_utf8(bytes, charset).value_or(bytes);
}

std::vector<std::string> parse_token_list(std::string_view body) {
    std::vector<std::string> tokens;
    Scanner scanner(body);
    do {
        scanner.skip();
        std::string_view token = scanner.until(",");
        if (!token.empty() && tokens.size() < kMaxParameters)
            tokens.emplace_back(token);
    } while (scanner.eat(','));
    return tokens;
}

}  // namespace message
