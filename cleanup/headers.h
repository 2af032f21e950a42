// cleanup/headers.h - the header of a message on its way into the queue: what is taken out, counted and added.
//
// MessageFilter is fed the octets of a message in pieces of any size and gives back what shall be stored. The
// header ends at the first line that is no header field, exactly once and for everybody behind us: where the
// empty line is missing, it is put in.
//
// Taken out    the fields of message_drop_headers (Bcc, Content-Length, Return-Path, Resent-Bcc).
// Counted      Received, for hopcount_limit.
// Added        Message-Id, Date and From (or their Resent- forms) where they are missing and the mail is of local
//              origin or always_add_missing_headers is set; undisclosed_recipients_header without To and Cc.
// Completed    addresses without a domain in the header of mail of local origin (user -> user@$myorigin).
// Standards    RFC 5322, 3.6; RFC 5321, 6.3 (loops)
// Failure      none; too_many_hops() tells about a loop.
// Trust        the text comes from strangers: one field is kept up to header_size_limit, the rest of it dropped;
//              memory does not grow with the number of fields.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/text/line_ends.h"

namespace cleanup {

// What main.cf says; shared by all messages.
struct HeaderRules {
    std::string myhostname;
    std::string mail_name = "Malleposte";
    std::vector<std::string> drop{"bcc", "content-length", "resent-bcc", "return-path"};  // lower case
    std::string undisclosed_recipients;
    std::size_t header_size_limit = 102400;
    int hopcount_limit = 50;
    bool always_add_missing = false;
};

// What is known of this message before its content comes.
struct HeaderFacts {
    std::string queue_id;
    std::string sender;
    std::string full_name;
    std::int64_t arrival = 0;  // seconds since 1970
    bool local_origin = false;
    // What completes an address in text form; none: header addresses stay as they are.
    std::function<std::string(const std::string&)> complete;
};

class MessageFilter {
  public:
    MessageFilter(const HeaderRules& rules, HeaderFacts facts) : rules_{rules}, facts_{std::move(facts)} {}

    void feed(std::string_view octets, std::string& out);
    void finish(std::string& out);

    bool too_many_hops() const { return hops_ >= rules_.hopcount_limit; }
    // Our own Received line counts.
    void count_hop() { ++hops_; }
    const std::string& message_id() const { return message_id_; }
    const std::string& resent_message_id() const { return resent_message_id_; }

  private:
    enum class Part { header, body };
    enum Seen : unsigned {
        kFrom = 1,
        kDate = 2,
        kMessageId = 4,
        kRecipient = 8,
        kResent = 16,
        kResentFrom = 32,
        kResentDate = 64,
        kResentMessageId = 128,
        kResentRecipient = 256,
    };

    void take_lines(std::string& out);
    void take_piece(std::string_view piece, bool starts_line, std::string& out);
    void begin_field(std::string_view piece, std::string& out);
    void extend_field(std::string_view piece);
    void end_field(std::string& out);
    void end_header(std::string& out);
    std::string completed(std::string_view field) const;
    void note_field(std::string_view name, std::string_view value);
    void add_missing(std::string& out);
    std::string from_line(std::string_view label) const;

    const HeaderRules& rules_;
    HeaderFacts facts_;
    text::LineEnds line_ends_;
    Part part_ = Part::header;
    std::string pending_;   // header octets not yet cut into lines
    std::string field_;     // the field being collected, with its line ends
    bool in_line_ = false;  // the last piece did not end its line
    bool truncated_ = false;
    bool first_line_ = true;
    unsigned seen_ = 0;
    int hops_ = 0;
    std::string message_id_;
    std::string resent_message_id_;
};

}  // namespace cleanup
