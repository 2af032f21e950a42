// cleanup/line_ends.h - makes every line end CR LF, and nothing else look like one.
//
// A lone CR or LF would be a line end for some readers and not for others; whoever sends it on could be led to
// end a message early (SMTP smuggling). Each becomes a space, so the length of everything else stays.
//
// Standards   RFC 5321, 2.3.8
// Failure     none.
#pragma once

#include <string>
#include <string_view>

namespace cleanup {

class LineEnds {
  public:
    // Appends the repaired octets; a CR at the very end is kept back until the next call.
    void feed(std::string_view octets, std::string& out);
    // Ends a last line that has no end.
    void finish(std::string& out);

  private:
    void feed_one(char c, std::string& out);
    void feed_line(std::string_view line, std::string& out);
    bool pending_cr_ = false;
    bool at_line_start_ = true;
};

}  // namespace cleanup
