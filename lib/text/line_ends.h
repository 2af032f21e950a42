// lib/text/line_ends.h - makes every line end of a message CR LF, and nothing else look like one.
//
// A lone LF is a line end (programs of this host and careless clients mean one), a lone CR a space: readers disagree about
// it, and whoever sends it on could be led to end a message early (SMTP smuggling). This is done where a message comes in
// and before anybody looks at it: for SMTP and LMTP in smtp::DataDecoder, which does the same, for everything else where
// cleanup takes it. What is mended stays as it is when it is mended again.
//
// Standards   RFC 5321, 2.3.8
// Failure     none.
#pragma once

#include <string>
#include <string_view>

namespace text {

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

}  // namespace text
