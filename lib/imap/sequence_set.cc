#include "lib/imap/sequence_set.h"

#include <algorithm>

#include "lib/imap/cursor.h"

namespace imap {
namespace {

std::uint32_t sequence_number(Cursor& cursor) { return cursor.eat('*') ? SequenceSet::kStar : cursor.nonzero_number(); }

void append_range(std::string& text, std::uint32_t first, std::uint32_t last) {
    if (!text.empty())
        text += ',';
    text += std::to_string(first);
    if (last != first) {
        text += ':';
        text += std::to_string(last);
    }
}

}  // namespace

SequenceSet parse_sequence_set(std::string_view text) {
    Cursor cursor(text);
    std::vector<Range> ranges;
    do {
        Range range;
        range.first = range.last = sequence_number(cursor);
        if (cursor.eat(':'))
            range.last = sequence_number(cursor);
        if (ranges.empty() || !(ranges.back() == range))
            ranges.push_back(range);
    } while (cursor.eat(','));
    if (!cursor.at_end())
        throw SyntaxError("Invalid sequence set");
    return SequenceSet(std::move(ranges));
}

std::vector<Range> SequenceSet::resolve(std::uint32_t largest) const {
    std::vector<Range> resolved;
    if (largest == 0)
        return resolved;
    for (Range range : ranges_) {
        if (range.first == kStar)
            range.first = largest;
        if (range.last == kStar)
            range.last = largest;
        if (range.first > range.last)
            std::swap(range.first, range.last);
        if (range.first > largest)
            continue;
        range.last = std::min(range.last, largest);
        resolved.push_back(range);
    }
    std::sort(resolved.begin(), resolved.end(), [](Range a, Range b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (Range range : resolved) {
        if (kept > 0 && range.first <= resolved[kept - 1].last + std::uint64_t{1})
            resolved[kept - 1].last = std::max(resolved[kept - 1].last, range.last);
        else
            resolved[kept++] = range;
    }
    resolved.resize(kept);
    return resolved;
}

bool SequenceSet::exceeds(std::uint32_t largest) const {
    return std::any_of(
        ranges_.begin(), ranges_.end(), [largest](Range range) { return std::max(range.first, range.last) > largest; });
}

std::string format_sequence_set(const std::vector<std::uint32_t>& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t end = i + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
            ++end;
        append_range(text, numbers[i], numbers[end - 1]);
        i = end;
    }
    return text;
}

bool contains(const std::vector<Range>& resolved, std::uint32_t number) {
    auto after = std::upper_bound(
        resolved.begin(), resolved.end(), number, [](std::uint32_t value, Range range) { return value < range.first; });
    return after != resolved.begin() && number <= std::prev(after)->last;
}

}  // namespace imap
