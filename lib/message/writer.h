// lib/message/writer.h - writes the mail that we make ourselves: bounces, reports, answers and notices of scripts.
//
//     Writer mail;
//     mail.addresses("To", {mailbox("alice", "example.test", "Alice")}).text("Subject", subject).date("Date", now);
//     mail.multipart("report", boundary, {{"report-type", "delivery-status"}});
//     mail.part().content("text/plain", {{"charset", "utf-8"}}).empty_line().body(explanation);
//     mail.part().content("message/delivery-status").empty_line().structured("Reporting-MTA", ...);
//     return mail.close();
//
// No value can begin a field, end a header or make a line too long, whatever it holds: line ends in it become blanks, other
// control characters "?", broken UTF-8 U+FFFD. Lines are folded at 78 octets where there is a blank, and never have more
// than 998. Text that is not ASCII becomes encoded words in text() and in display names; addresses and the other structured
// values keep their UTF-8. All lines end in CR LF.
//
// Standards   RFC 5322, 2.1.1, 2.2.3 and 3.6; RFC 2045, 5.1 and 6.8; RFC 2046, 5.1; RFC 2047; RFC 2231, 4; RFC 6522; RFC
// 6532 Failure     none. A field whose name is no field name is left out. Trust       values may be a stranger's. A boundary
// is not: who writes a stranger's text between two of them makes it random.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/message/address_list.h"
#include "lib/message/content_type.h"

namespace message {

inline constexpr std::size_t kFoldAt = 78;    // octets of a line without its end
inline constexpr std::size_t kMaxLine = 998;  // the same

// Where the display name stands: `Name <a@b>` or `a@b (Name)`, as bounces have always had it.
enum class NameForm { phrase, comment };

class Writer {
  public:
    // Text for people: Subject, Comments, Content-Description.
    Writer& text(std::string_view name, std::string_view value);
    // A value with a syntax, which the caller knows.
    Writer& structured(std::string_view name, std::string_view value);
    // Mailboxes only, no groups; a field without any is left out.
    Writer& addresses(std::string_view name, const std::vector<Address>& list, NameForm form = NameForm::phrase);
    Writer& date(std::string_view name, std::int64_t seconds);
    Writer& message_id(std::string_view left, std::string_view right);
    // Content-Disposition and its like.
    Writer& parameterized(std::string_view name, std::string_view value, const std::vector<Parameter>& parameters);
    Writer& content(std::string_view type, const std::vector<Parameter>& parameters = {});

    // MIME-Version and Content-Type of a message of several parts. For RFC 6522: "report", with report-type.
    Writer& multipart(std::string_view subtype, std::string_view boundary, std::vector<Parameter> parameters = {});
    // The line that begins a part, with the line end in front of it; behind a header that one is the empty line.
    Writer& part();

    // Ends a header, or a group of fields in the body of a report.
    Writer& empty_line();
    // Text of lines, as it is; CR LF is added where a line has another end or none.
    Writer& body(std::string_view lines);
    Writer& base64(std::string_view octets);

    // What is written so far, to be followed by octets that are not made here and by end_of_parts().
    const std::string& so_far() const { return out_; }
    // The last line of a multipart message; nothing for another.
    std::string end_of_parts() const;
    const std::string& boundary() const { return boundary_; }
    // The whole.
    std::string close();

  private:
    Writer& field(std::string_view name, std::string_view value);

    std::string out_;
    std::string boundary_;
};

// An address to be written. With a name of no length it stands in angle brackets, without one it stands alone.
Address mailbox(std::string_view local, std::string_view domain);
Address mailbox(std::string_view local, std::string_view domain, std::string_view name);

// `Name <a@b>`
std::string format_mailbox(const Address& address, NameForm form = NameForm::phrase);

// UTF-8 as an unstructured field holds it: as it is or in encoded words; the first has `room` octets.
std::string encode_text(std::string_view utf8, std::size_t room = kFoldAt - 1);

// A line in lines as the writer makes them, those behind the first led by `indent`; with the last line end.
std::string fold(std::string_view line, std::string_view indent = " ");

}  // namespace message
