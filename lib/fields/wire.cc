#include "lib/fields/wire.h"

namespace fields::wire {

void put_size(std::string& out, std::size_t size) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(size >> shift);
}

void put_text(std::string& out, std::string_view text) {
    put_size(out, text.size());
    out += text;
}

void put_number(std::string& out, std::int64_t number) { put_text(out, std::to_string(number)); }
void put_unsigned(std::string& out, std::uint64_t number) { put_text(out, std::to_string(number)); }

std::optional<std::uint32_t> Reader::size() {
    if (rest.size() < 4)
        return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value = value << 8 | static_cast<unsigned char>(rest[i]);
    rest.remove_prefix(4);
    return value;
}

std::optional<std::string_view> Reader::text() {
    auto length = size();
    if (!length || *length > rest.size())
        return std::nullopt;
    std::string_view result = rest.substr(0, *length);
    rest.remove_prefix(*length);
    return result;
}

}  // namespace fields::wire
