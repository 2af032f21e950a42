// lib/text/id.h - the number of a user or group as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/text/text.h"

namespace text {

// The highest number is none: to the kernel it means "leave as it is", which for root is root.
inline std::optional<std::uint32_t> parse_id(std::string_view digits) {
    const std::optional<std::uint64_t> number = parse_number(digits);
    return number && *number < UINT32_MAX ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

}  // namespace text
