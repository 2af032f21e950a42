// lib/imap/number.h - number64 of IMAP4rev2: sizes, offsets, modseqs.
//
// Standards   RFC 9051, 9: unsigned, of 63 bits
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/text/text.h"

namespace imap {

inline constexpr std::uint64_t kLargestNumber64 = INT64_MAX;

// Digits and nothing else; nothing if it is more than the largest.
inline std::optional<std::uint64_t> parse_number64(std::string_view digits) {
    std::optional<std::uint64_t> value = text::parse_number(digits);
    if (value && *value > kLargestNumber64)
        return std::nullopt;
    return value;
}

}  // namespace imap
