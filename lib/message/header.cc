#include "lib/message/header.h"

#include <algorithm>

namespace message {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// End of the line that starts at `from`, its line feed included.
std::size_t line_end(std::string_view text, std::size_t from) {
    std::size_t feed = text.find('\n', from);
    return feed == std::string_view::npos ? text.size() : feed + 1;
}

bool is_empty_line(std::string_view line) { return line == "\n" || line == "\r\n"; }

std::string_view without_line_end(std::string_view line) {
    if (line.ends_with('\n'))
        line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

}  // namespace

std::size_t field_name_length(std::string_view line) {
    line = line.substr(0, kFieldNameRoom);
    std::size_t length = 0;
    while (length < line.size() && line[length] > ' ' && line[length] < 127 && line[length] != ':')
        ++length;
    std::size_t colon = length;
    while (colon < line.size() && is_blank(line[colon]))
        ++colon;
    return length > 0 && colon < line.size() && line[colon] == ':' ? length : 0;
}

bool is_mailbox_separator(std::string_view line) {
    return line.substr(std::min(line.find_first_not_of('>'), line.size())).starts_with("From ");
}

bool belongs_to_header(std::string_view line, bool first) {
    if (field_name_length(line) > 0)
        return true;
    return first ? is_mailbox_separator(line) : line.starts_with(' ') || line.starts_with('\t');
}

std::optional<HeaderField> HeaderReader::next() {
    if (ended_ || position_ >= text_.size())
        return std::nullopt;
    const std::size_t start = position_;
    std::size_t end = line_end(text_, start);
    const std::string_view line = text_.substr(start, end - start);
    const std::size_t name = field_name_length(line);
    if (name == 0 && (start > 0 || !is_mailbox_separator(line))) {
        ended_ = true;
        if (is_empty_line(line))
            position_ = end;
        return std::nullopt;
    }
    while (end < text_.size() && is_blank(text_[end]))
        end = line_end(text_, end);
    position_ = end;

    HeaderField field;
    field.raw = text_.substr(start, end - start);
    field.body = without_line_end(field.raw);
    if (name > 0) {
        field.name = field.raw.substr(0, name);
        field.body.remove_prefix(field.body.find(':') + 1);
    }
    return field;
}

std::size_t header_length(std::string_view text) {
    HeaderReader reader(text);
    while (reader.next()) {
    }
    return reader.consumed();
}

std::string unfold(std::string_view body) {
    body = trim(body);
    std::string result;
    result.reserve(body.size());
    for (std::size_t i = 0; i < body.size(); ++i) {
        if (body[i] == '\n')
            continue;
        if (body[i] == '\r' && i + 1 < body.size() && body[i + 1] == '\n')
            continue;
        result += body[i];
    }
    return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lower_ascii(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        c = lower(c);
    return result;
}

}  // namespace message
