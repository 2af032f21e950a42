// imapd/sessions/wire.h - the client's connection, in plain blocking calls: the process has no other client.
//
// Output is buffered and leaves before every wait for input; a client that does not read stops the writer,
// so no answer is ever held in memory whole.
//
// Failure     throws Disconnected when the client left, is silent or deaf for too long, or a signal asks the
//             session to end; the session ends there.
// Trust       every octet comes from the client; lines are bounded.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lib/event/fd.h"

namespace sessions {

class Disconnected : public std::runtime_error {
  public:
    enum class Why { left, silent, deaf, too_long, stopped };
    Disconnected(Why why, const std::string& text) : std::runtime_error(text), why(why) {}
    Why why;
};

class Wire {
  public:
    // `input` is what had been read before the connection came here.
    Wire(event::Fd connection, std::string input, std::chrono::seconds read_timeout, std::chrono::seconds write_timeout);

    // The next line without its end; a view that is valid until the next read.
    std::string_view read_line(std::size_t longest);

    // Between one and `most` octets.
    std::string_view read_some(std::size_t most);

    // Takes octets away unread.
    void discard(std::uint64_t octets);

    void write(std::string_view octets);
    void flush();

    enum class Woken { input, other, timeout };
    // Waits until there is input or `other` (-1 for none) is readable.
    Woken wait(int other, std::chrono::milliseconds longest);

    // True if the client has closed the connection; for long work between reads.
    bool peer_has_left() const;

    // Gives back the memory of the buffers, as far as they are empty.
    void rest();

    // Whether the client has sent more than was read so far.
    bool has_input() const { return taken_ < input_.size(); }

    std::uint64_t octets_in() const { return in_; }
    std::uint64_t octets_out() const { return out_count_; }

  private:
    void fill();
    void wait_for(short events, std::chrono::seconds timeout);

    event::Fd connection_;
    std::string input_;
    std::size_t taken_ = 0;  // of input_
    std::string output_;
    std::chrono::seconds read_timeout_;
    std::chrono::seconds write_timeout_;
    std::uint64_t in_ = 0;
    std::uint64_t out_count_ = 0;
};

}  // namespace sessions
