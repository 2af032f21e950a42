// lib/smtp/data.h - the text after DATA: where it ends, and the dots before its lines.
//
// One automaton decides, however the octets are cut: the end is CR LF "." CR LF and nothing else. A bare CR or
// LF never begins a line here, so no second transaction can be smuggled past us; it is noted, and the session
// refuses the message or, where the administrator wants that, accepts it.
//
// Line ends are mended here, before anybody looks: a bare LF comes out as CR LF, a bare CR as a space (see
// lib/text/line_ends.h), so what is verified, stored and delivered are the same octets.
//
// Standards   RFC 5321, 4.1.1.4 and 4.5.2
// Trust       all of it comes from a stranger.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smtp {

class DataDecoder {
  public:
    // Takes octets from the front of `input`, appends the text without stuffed dots to `output`, and returns
    // how many it took: all of them, or up to and with the end.
    std::size_t decode(std::string_view input, std::string& output);
    bool ended() const { return state_ == State::ended; }
    bool saw_bare_lf() const { return bare_lf_; }
    bool saw_bare_cr() const { return bare_cr_; }

  private:
    enum class State { line_start, text, after_cr, after_dot, after_dot_cr, ended };
    std::size_t take_text(std::string_view input, std::string& output);
    void step(char c, std::string& output);

    State state_ = State::line_start;
    bool bare_lf_ = false, bare_cr_ = false;
};

// The other direction: dots stuffed at line starts, lines ended by CR LF whatever ended them before, so that
// the next server cannot see another end than ours. finish() gives what closes the text: CR LF where the last
// line lacks it, and the dot.
class DataEncoder {
  public:
    void encode(std::string_view input, std::string& output);
    void finish(std::string& output);

  private:
    bool line_start_ = true;
    bool after_cr_ = false;
};

}  // namespace smtp
