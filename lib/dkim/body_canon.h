// lib/dkim/body_canon.h - the canonical form of a body, while it streams through.
//
// The octets are looked at in blocks; what is canonical already is passed on as it is, without copying where the piece is
// long. Memory is constant whatever the body holds.
//
// Standards   RFC 6376, 3.4.3 and 3.4.4
// Failure     none. Lone CR and LF are ordinary octets: the caller brings lines that end in CR LF.
// Lifetime    the sink outlives the canonicalizer; pieces are valid during take() only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/dkim/signature.h"

namespace dkim {

class BodySink {
  public:
    virtual ~BodySink() = default;
    virtual void take(std::string_view piece) = 0;
};

// Keeps back line ends until something follows them.
class TailHold {
  public:
    explicit TailHold(BodySink& sink) : sink_(sink) {}
    void feed(std::string_view octets);
    void finish(bool empty_body_is_a_line);

  private:
    void release_lines();

    BodySink& sink_;
    std::uint64_t pending_lines_ = 0;
    bool pending_cr_ = false;  // behind the pending lines
    bool any_ = false;
};

class BodyCanonicalizer {
  public:
    BodyCanonicalizer(Canon canon, BodySink& sink) : canon_(canon), tail_(sink) {}
    void feed(std::string_view octets);
    void finish();

  private:
    enum class State { plain, blanks, blanks_cr };

    void feed_relaxed(std::string_view octets);
    void put(std::string_view piece);
    void flush();

    Canon canon_;
    TailHold tail_;
    State state_ = State::plain;
    std::size_t filled_ = 0;
    std::array<char, 8192> buffer_;
};

// The first octet that relaxed form may change: a tab, or a space before a blank, a CR or the end of the text. The text's
// size if there is none.
std::size_t find_loose_blank(std::string_view text);

}  // namespace dkim
