// smtpd/authentication/line_ends.h - the message with the line ends that it will have in the queue.
//
// Where bare CR and LF are accepted (smtpd_forbid_bare_newline = no), cleanup makes line ends of them. What is verified has
// to have the same: otherwise a From field behind a bare LF would be there for its reader, but not for DMARC.
//
// Lifetime    a view is valid until the next call.
#pragma once

#include <string>
#include <string_view>

namespace smtpd::authentication {

class LineEnds {
  public:
    // The octets with whole line ends; those of the caller where nothing is to be mended.
    std::string_view mend(std::string_view octets);
    // What is left over at the end.
    std::string_view finish();

  private:
    bool after_cr_ = false;  // a CR at the end of the last piece, not handed out yet
    std::string mended_;
};

}  // namespace smtpd::authentication
