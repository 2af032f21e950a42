#include "lib/queue/crc32c.h"

#include <array>
#include <cstring>

namespace queue {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // Castagnoli, bits reversed

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit)
            value = (value & 1) ? (value >> 1) ^ kPolynomial : value >> 1;
        table[byte] = value;
    }
    return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_processor(std::string_view bytes, std::uint32_t seed) {
    std::uint64_t state = ~seed;
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        state = __builtin_ia32_crc32di(state, word);
    }
    auto narrow = static_cast<std::uint32_t>(state);
    for (; left > 0; ++at, --left)
        narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*at));
    return ~narrow;
}
#endif

// A linear map of 32 bits, one column for each bit of what it is applied to.
using BitMap = std::array<std::uint32_t, 32>;

std::uint32_t times(const BitMap& map, std::uint32_t value) {
    std::uint32_t sum = 0;
    for (std::size_t bit = 0; value != 0; value >>= 1, ++bit)
        if (value & 1)
            sum ^= map[bit];
    return sum;
}

BitMap twice(const BitMap& map) {
    BitMap square{};
    for (std::size_t bit = 0; bit < square.size(); ++bit)
        square[bit] = times(map, map[bit]);
    return square;
}

// What one octet of zero does to a checksum.
BitMap one_octet() {
    BitMap one_bit{};
    one_bit[0] = kPolynomial;
    for (std::size_t bit = 1; bit < one_bit.size(); ++bit)
        one_bit[bit] = std::uint32_t{1} << (bit - 1);
    return twice(twice(twice(one_bit)));
}

}  // namespace

std::uint32_t crc32c_join(std::uint32_t first, std::uint32_t second, std::uint64_t second_size) {
    BitMap zeros = one_octet();  // then two octets, four, eight ...
    for (; second_size != 0; second_size >>= 1, zeros = twice(zeros))
        if (second_size & 1)
            first = times(zeros, first);
    return first ^ second;
}

std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t seed) {
    std::uint32_t state = ~seed;
    for (const char c : bytes)
        state = kTable[(state ^ static_cast<unsigned char>(c)) & 0xff] ^ (state >> 8);
    return ~state;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
#if defined(__x86_64__)
    static const bool fast = __builtin_cpu_supports("sse4.2");
    if (fast)
        return crc32c_by_processor(bytes, seed);
#endif
    return crc32c_by_table(bytes, seed);
}

}  // namespace queue
