// lib/sieve/message.h - the message a script looks at, read no further than its tests ask.
//
// Nothing is parsed until it is needed: the header's fields at the first test of a header, the MIME tree at the first
// body or mime test, a part's decoded text at the first test of that part. What was decoded is kept for the next test.
//
// Standards   RFC 5322, RFC 2045-2047, RFC 2231; RFC 5228, 2.4.2.2 and 2.7.2; RFC 5173; RFC 5703
// Failure     none; any octets are some message.
// Lifetime    views into the given octets; these must outlive the Message. Not for two threads at once.
// Trust       the octets come from strangers; see lib/message for the bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sieve {

class Message {
  public:
    explicit Message(std::string_view octets);
    ~Message();
    Message(Message&&) noexcept;
    Message& operator=(Message&&) noexcept;

    std::string_view octets() const { return octets_; }
    std::string_view header() const;  // with the empty line behind it
    std::string_view body() const;
    // With CR LF line ends, as the size test and IMAP count.
    std::uint64_t size() const;

    class Parsed;  // parsed_message.h
    Parsed& parsed() const;

  private:
    std::string_view octets_;
    mutable std::unique_ptr<Parsed> parsed_;
};

}  // namespace sieve
