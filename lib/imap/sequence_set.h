// lib/imap/sequence_set.h - `1:3,7,9:*`: message numbers or UIDs.
//
// Standards   RFC 3501, 9 (sequence-set)
// Failure     parse_sequence_set() throws SyntaxError: zero, overflow, empty, too many ranges.
// Trust       comes from strangers; work and memory are bounded by the text and by resolve()'s merge.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace imap {

struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool operator==(const Range&) const = default;
};

class SequenceSet {
  public:
    static constexpr std::uint32_t kStar = 0;  // "*" until it is resolved

    SequenceSet() = default;
    explicit SequenceSet(std::vector<Range> ranges) : ranges_(std::move(ranges)) {}

    // With "*" as `largest`: ascending ranges that do not touch, none beyond `largest`
    // except what "*" itself means. Nothing if `largest` is zero.
    std::vector<Range> resolve(std::uint32_t largest) const;

    // True if a number other than "*" is above `largest`.
    bool exceeds(std::uint32_t largest) const;

  private:
    std::vector<Range> ranges_;
};

SequenceSet parse_sequence_set(std::string_view text);

// Adjacent numbers become ranges: `1:3,7`. The numbers must ascend.
std::string format_sequence_set(const std::vector<std::uint32_t>& numbers);

bool contains(const std::vector<Range>& resolved, std::uint32_t number);

}  // namespace imap
