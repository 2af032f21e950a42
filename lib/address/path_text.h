// lib/address/path_text.h - an address as SMTP commands and trace fields write it: <"john doe"@example.test>.
//
// Envelopes, queue files and records carry the text form, john doe@example.test, which between angle brackets is another
// address or several parameters. What is written between them is of this type; there is no way to it but quoting, and
// test/lint knows the places where text could be pasted in its stead.
//
// Standards   RFC 5321, 4.1.2 and 4.4; RFC 6531, 3.3
// Failure     none: octets that no path can carry (controls; in a domain also blanks and brackets) become "?".
// Trust       the address may be a stranger's.
#pragma once

#include <string>
#include <string_view>

namespace address {

class PathText {
  public:
    // Of an address in text form; "" is the null path.
    explicit PathText(std::string_view text);

    const std::string& mailbox() const { return mailbox_; }  // "john doe"@example.test
    std::string in_brackets() const { return "<" + mailbox_ + ">"; }

  private:
    std::string mailbox_;
};

// "MAIL FROM:<...>" and "RCPT TO:<...>", without parameters.
std::string mail_from(std::string_view sender);
std::string rcpt_to(std::string_view recipient);

// The trace fields of final delivery, each with its line end.
std::string return_path_field(std::string_view sender);
std::string delivered_to_field(std::string_view recipient);
std::string original_to_field(std::string_view recipient);

}  // namespace address
