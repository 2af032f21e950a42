#include "lib/imap/format.h"

#include <algorithm>
#include <charconv>

#include "lib/imap/cursor.h"
#include "lib/message/header.h"

namespace imap {
namespace {

constexpr std::size_t kMaxQuoted = 1000;

bool fits_quoted(std::string_view value) {
    if (value.size() > kMaxQuoted)
        return false;
    return std::all_of(value.begin(), value.end(), [](char c) {
        auto byte = static_cast<unsigned char>(c);
        return byte != 0 && byte < 128 && c != '\r' && c != '\n';
    });
}

}  // namespace

void append_number(std::string& out, std::uint64_t value) {
    char digits[24];
    auto result = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, static_cast<std::size_t>(result.ptr - digits));
}

void append_string(std::string& out, std::string_view value) {
    if (!fits_quoted(value)) {
        out += '{';
        append_number(out, value.size());
        out += "}\r\n";
        std::size_t start = out.size();
        out += value;
        std::replace(out.begin() + static_cast<std::ptrdiff_t>(start), out.end(), '\0', '\x80');
        return;
    }
    out += '"';
    if (value.find_first_of("\"\\") == std::string_view::npos) {
        out += value;
    } else {
        for (char c : value) {
            if (c == '"' || c == '\\')
                out += '\\';
            out += c;
        }
    }
    out += '"';
}

void append_nstring(std::string& out, const std::optional<std::string>& value) {
    if (value)
        append_string(out, *value);
    else
        out += "NIL";
}

void append_astring(std::string& out, std::string_view value) {
    bool atom = !value.empty() && std::all_of(value.begin(), value.end(), is_atom_char) &&
                !message::equal_ignoring_case(value, "NIL");
    if (atom)
        out += value;
    else
        append_string(out, value);
}

void make_literal_safe(std::string& octets) { std::replace(octets.begin(), octets.end(), '\0', '\x80'); }

std::string human_text(std::string_view text) {
    std::string result(text.substr(0, 500));
    for (char& c : result) {
        auto byte = static_cast<unsigned char>(c);
        if (byte < 32 || byte > 126)
            c = '?';
    }
    return result;
}

}  // namespace imap
