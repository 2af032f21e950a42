#include "lib/message/header.h"

#include <utility>

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

std::optional<HeaderField> HeaderReader::next() {
    if (ended_ || position_ >= text_.size())
        return std::nullopt;
    std::size_t start = position_;
    std::size_t end = line_end(text_, start);
    if (is_empty_line(text_.substr(start, end - start))) {
        position_ = end;
        ended_ = true;
        return std::nullopt;
    }
    while (end < text_.size() && is_blank(text_[end]))
        end = line_end(text_, end);
    position_ = end;

    HeaderField field;
    field.raw = text_.substr(start, end - start);
    field.body = without_line_end(field.raw);
    if (!is_blank(field.raw.front())) {
        std::size_t colon = field.body.find_first_of(":\n");
        if (colon != std::string_view::npos && field.body[colon] == ':') {
            field.name = field.body.substr(0, colon);
            while (!field.name.empty() && is_blank(field.name.back()))
                field.name.remove_suffix(1);
            field.body.remove_prefix(colon + 1);
        }
    }
    return field;
}

std::size_t header_length(std::string_view text) {
    std::size_t position = 0;
    while (position < text.size()) {
        std::size_t end = line_end(text, position);
        bool empty = is_empty_line(text.substr(position, end - position));
        position = end;
        if (empty)
            break;
    }
    return position;
}

std::optional<std::string> HeaderStream::add(std::string_view line) {
    bool continues = has_pending_ && !line.empty() && is_blank(line.front());
    if (continues && pending_.size() + line.size() < max_field_) {
        pending_ += '\n';
        pending_ += line;
        return std::nullopt;
    }
    std::optional<std::string> done = finish();
    pending_ = line;
    has_pending_ = true;
    return done;
}

std::optional<std::string> HeaderStream::finish() {
    if (!has_pending_)
        return std::nullopt;
    has_pending_ = false;
    return std::exchange(pending_, std::string());
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
