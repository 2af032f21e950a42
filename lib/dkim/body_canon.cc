#include "lib/dkim/body_canon.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace dkim {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_loose(std::string_view text, std::size_t at) {
    if (text[at] == '\t')
        return true;
    if (text[at] != ' ')
        return false;
    return at + 1 == text.size() || is_blank(text[at + 1]) || text[at + 1] == '\r';
}

}  // namespace

std::size_t find_loose_blank(std::string_view text) {
    std::size_t at = 0;
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t'), cr = _mm_set1_epi8('\r');
    const auto load = [&](std::size_t from) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
    };
    // One octet beyond the block decides about its last one.
    const auto hits = [&](std::size_t from) {
        const __m128i here = load(from), next = load(from + 1);
        const __m128i ends = _mm_or_si128(
            _mm_cmpeq_epi8(next, cr), _mm_or_si128(_mm_cmpeq_epi8(next, space), _mm_cmpeq_epi8(next, tab)));
        return _mm_or_si128(_mm_cmpeq_epi8(here, tab), _mm_and_si128(_mm_cmpeq_epi8(here, space), ends));
    };
    for (; at + 17 <= text.size(); at += 16) {
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hits(at)));
        if (mask != 0)
            return at + static_cast<std::size_t>(std::countr_zero(mask));
    }
#endif
    while (at < text.size() && !is_loose(text, at))
        ++at;
    return at;
}

void TailHold::release_lines() {
    static constexpr auto kLines = [] {
        std::array<char, 1024> lines{};
        for (std::size_t i = 0; i < lines.size(); ++i)
            lines[i] = kLineEnd[i % 2];
        return lines;
    }();
    while (pending_lines_ > 0) {
        const std::uint64_t now = std::min<std::uint64_t>(pending_lines_, kLines.size() / 2);
        sink_.take({kLines.data(), static_cast<std::size_t>(now * 2)});
        pending_lines_ -= now;
    }
}

void TailHold::feed(std::string_view octets) {
    if (octets.empty())
        return;
    if (pending_cr_) {
        pending_cr_ = false;
        if (octets.front() == '\n') {
            ++pending_lines_;
            octets.remove_prefix(1);
        } else {
            release_lines();
            sink_.take("\r");
            any_ = true;
        }
    }
    std::size_t end = octets.size();
    const bool cr = end > 0 && octets[end - 1] == '\r';
    if (cr)
        --end;
    std::uint64_t lines = 0;
    for (; end >= 2 && octets[end - 1] == '\n' && octets[end - 2] == '\r'; end -= 2)
        ++lines;
    if (end > 0) {
        release_lines();
        sink_.take(octets.substr(0, end));
        any_ = true;
    }
    pending_lines_ += lines;
    pending_cr_ = cr;
}

void TailHold::finish(bool empty_body_is_a_line) {
    if (pending_cr_) {
        release_lines();
        sink_.take("\r");
        any_ = true;
    }
    if (any_ || empty_body_is_a_line)
        sink_.take(kLineEnd);
}

void BodyCanonicalizer::put(std::string_view piece) {
    if (piece.size() > buffer_.size() - filled_) {
        flush();
        if (piece.size() >= buffer_.size() / 2)
            return tail_.feed(piece);
    }
    std::memcpy(buffer_.data() + filled_, piece.data(), piece.size());
    filled_ += piece.size();
}

void BodyCanonicalizer::flush() {
    tail_.feed({buffer_.data(), filled_});
    filled_ = 0;
}

void BodyCanonicalizer::feed(std::string_view octets) {
    if (canon_ == Canon::simple)
        tail_.feed(octets);
    else
        feed_relaxed(octets);
}

void BodyCanonicalizer::feed_relaxed(std::string_view octets) {
    std::size_t at = 0;
    while (at < octets.size()) {
        if (state_ == State::plain) {
            const std::size_t size = find_loose_blank(octets.substr(at));
            put(octets.substr(at, size));
            at += size;
            if (at == octets.size())
                return;
            state_ = State::blanks;
            ++at;
        } else if (state_ == State::blanks) {
            while (at < octets.size() && is_blank(octets[at]))
                ++at;
            if (at == octets.size())
                return;
            if (octets[at] == '\r') {
                state_ = State::blanks_cr;
                ++at;
            } else {
                state_ = State::plain;
                put(" ");
            }
        } else if (octets[at] == '\n') {
            state_ = State::plain;  // blanks at the end of a line are gone
            put(kLineEnd);
            ++at;
        } else {
            state_ = State::plain;
            put(" \r");
        }
    }
}

void BodyCanonicalizer::finish() {
    if (state_ == State::blanks_cr)
        put(" \r");
    flush();
    tail_.finish(canon_ == Canon::simple);
}

}  // namespace dkim
