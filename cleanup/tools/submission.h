// cleanup/tools/submission.h - the message that sendmail reads: line ends, the end, recipients in its header.
//
// Standards   sendmail(1): a line with a single dot ends the input unless -i; RFC 5322, 3.6.3 and 3.6.6 (whom a
//             header names: To, Cc, Bcc, or where there are Resent- fields, only theirs)
// Failure     none.
// Trust       input of the user: memory is bounded by what is kept of recipient fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tools {

class Submission {
  public:
    Submission(bool dot_ends, bool extract) : dot_ends_{dot_ends}, extract_{extract} {}

    // Appends to `out` what shall be sent; false once the input has ended by its dot.
    bool feed(std::string_view octets, std::string& out);
    void finish(std::string& out);

    // After finish(): the addresses in the header, in text form.
    std::vector<std::string> recipients() const;

  private:
    bool take_line(std::string_view line, std::string& out);
    void note_header_line(std::string_view line);

    bool dot_ends_;
    bool extract_;
    bool ended_ = false;
    bool in_header_ = true;
    bool first_line_ = true;
    bool collecting_ = false;  // the last field names recipients
    bool continued_ = false;   // the last piece did not end its line
    std::string pending_;
    std::string fields_;  // values of To, Cc, Bcc, joined by commas
    std::string resent_fields_;
    std::string* target_ = nullptr;
};

}  // namespace tools
