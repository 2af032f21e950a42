// lib/queue/crc32c.h - the checksum that guards a queue file.
//
// CRC-32C finds every single flipped bit and every burst of up to 32 bits, and the processor computes it
// faster than memory delivers. Where the processor cannot, a table does.
//
// Failure     none.
#pragma once

#include <cstdint>
#include <string_view>

namespace queue {

// Continues from `seed`, so that crc32c(b, crc32c(a)) is crc32c(a + b).
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

// The checksum of first + second from those of both: crc32c_join(crc32c(a), crc32c(b), b.size()) is crc32c(a + b).
std::uint32_t crc32c_join(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);

// The portable form, for the test that compares both.
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace queue
