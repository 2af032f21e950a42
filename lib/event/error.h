// lib/event/error.h - how a connection ends early.
//
// A broken, silent or overlong peer is thrown from the await it disturbs and caught once, at the top of the
// session. The text is fit for a log line: "timeout", "lost connection", "TLS: no shared cipher".
#pragma once

#include <stdexcept>
#include <string>

namespace event {

class StreamError : public std::runtime_error {
  public:
    enum class Kind {
        timeout,    // the peer stayed silent, or did not take our output
        eof,        // the peer left in the middle of something
        too_long,   // a line or block past its limit
        tls,        // the handshake or a record failed
        protocol,   // the peer says what has no meaning at this place
        io,         // the system says no
        cancelled,  // we were told to stop
    };
    StreamError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
    Kind kind() const { return kind_; }

  private:
    Kind kind_;
};

}  // namespace event
