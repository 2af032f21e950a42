#include "lib/dsn/status_text.h"

#include "lib/text/text.h"

namespace dsn {
namespace {

// One to three digits, taken off the front.
bool take_number(std::string_view& text) {
    std::size_t digits = 0;
    while (digits < text.size() && text::is_digit(text[digits]))
        ++digits;
    text.remove_prefix(digits);
    return digits >= 1 && digits <= 3;
}

bool take_dot(std::string_view& text) {
    const bool dot = text.starts_with('.');
    text.remove_prefix(dot ? 1 : 0);
    return dot;
}

}  // namespace

bool is_status(std::string_view text) {
    if (text.empty() || (text[0] != '2' && text[0] != '4' && text[0] != '5'))
        return false;
    text.remove_prefix(1);
    return take_dot(text) && take_number(text) && take_dot(text) && take_number(text) && text.empty();
}

StatusText split_status_text(std::string_view text, std::string_view default_status) {
    text = text::trim(text);
    const std::size_t blank = text.find_first_of(" \t");
    const std::string_view first = text.substr(0, blank);
    if (!is_status(first))
        return {std::string{default_status}, std::string{text}};
    const std::string_view rest = blank == std::string_view::npos ? std::string_view{} : text.substr(blank);
    return {std::string{first}, std::string{text::trim(rest)}};
}

}  // namespace dsn
