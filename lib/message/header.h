// lib/message/header.h - the fields of a message header, octet for octet.
//
// A header ends with its first empty line, or in front of the first line that is neither a field nor the continuation of
// one, or with the text. This one rule is used by every part of the suite, so no two of them can disagree about where the
// body begins: cleanup, which puts in the empty line where it is missing, what is verified, signed, stored, shown. Lines may
// end in CR LF or in a bare LF. A mailbox file's separator in the first line is kept as a field without a name.
//
// Standards   RFC 5322, 2.2, 3.6.8 and 4.5.8 (blanks before the colon)
// Failure     none; every byte sequence is some list of fields.
// Lifetime    fields are views into the text that was given.
// Trust       the text comes from strangers; nothing here copies or grows with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace message {

// A field's name has its colon within that many octets.
inline constexpr std::size_t kFieldNameRoom = 2048;

// The length of the field name when the text begins with "name:" or "name :"; 0 otherwise.
std::size_t field_name_length(std::string_view line);

// "From a@b Mon Jan ...", perhaps behind ">": only ever a first line.
bool is_mailbox_separator(std::string_view line);

// Whether a line is part of the header that the lines before it are; `first`: it has none before it.
bool belongs_to_header(std::string_view line, bool first);

struct HeaderField {
    std::string_view name;  // as written, without blanks before the colon; empty for a separator
    std::string_view body;  // after the colon, still folded, without the last line end
    std::string_view raw;   // the whole field with its line ends
};

// Walks the fields of a header in order: while (auto field = reader.next()) ...
class HeaderReader {
  public:
    explicit HeaderReader(std::string_view text) : text_(text) {}

    // The next field, or nothing at the end of the header.
    std::optional<HeaderField> next();

    // How much of the text has been read; after the last field this includes the empty line, if there is one.
    std::size_t consumed() const { return position_; }

  private:
    std::string_view text_;
    std::size_t position_ = 0;
    bool ended_ = false;
};

// Length of the header, with its empty line if it has one.
std::size_t header_length(std::string_view text);

// A field body on one line: line ends removed, blanks around it removed.
std::string unfold(std::string_view body);

// Equal without regard to ASCII case, as field names are.
bool equal_ignoring_case(std::string_view a, std::string_view b);

std::string_view trim(std::string_view text);
std::string lower_ascii(std::string_view text);

}  // namespace message
