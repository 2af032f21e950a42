// lib/message/header.h - the fields of a message header, octet for octet.
//
// A header is everything up to and including the first empty line, or all of the text if there is
// none. This one rule is used by every part of the suite, so no two of them can disagree about where
// the body begins. Lines may end in CR LF or in a bare LF; a line that is no field (no colon, or a
// leading blank at the very start) is kept as a field without a name.
//
// Standards   RFC 5322, 2.2 and 3.6.8
// Failure     none; every byte sequence is some list of fields.
// Lifetime    fields are views into the text that was given.
// Trust       the text comes from strangers; nothing here copies or grows with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace message {

struct HeaderField {
    std::string_view name;  // as written, without blanks before the colon; empty if the line is no field
    std::string_view body;  // after the colon, still folded, without the last line end
    std::string_view raw;   // the whole field with its line ends
};

// Walks the fields of a header in order: while (auto field = reader.next()) ...
class HeaderReader {
  public:
    explicit HeaderReader(std::string_view text) : text_(text) {}

    // The next field, or nothing at the end of the header.
    std::optional<HeaderField> next();

    // How much of the text has been read; after the last field this includes the empty line.
    std::size_t consumed() const { return position_; }

  private:
    std::string_view text_;
    std::size_t position_ = 0;
    bool ended_ = false;
};

// Length of the header with its empty line.
std::size_t header_length(std::string_view text);

// Gathers the fields of a header that arrives line by line.
//
//     for each line (without its end):  if (auto field = stream.add(line)) use(*field);
//     at the end of the header:         if (auto field = stream.finish()) use(*field);
class HeaderStream {
  public:
    // A field that is longer is handed out in pieces of this size, so that memory stays bounded.
    explicit HeaderStream(std::size_t max_field = 102400) : max_field_(max_field) {}

    // Takes one header line and gives the field that it completes: lines joined by LF.
    std::optional<std::string> add(std::string_view line);
    std::optional<std::string> finish();

  private:
    std::string pending_;
    bool has_pending_ = false;
    std::size_t max_field_;
};

// A field body on one line: line ends removed, blanks around it removed.
std::string unfold(std::string_view body);

// Equal without regard to ASCII case, as field names are.
bool equal_ignoring_case(std::string_view a, std::string_view b);

std::string_view trim(std::string_view text);
std::string lower_ascii(std::string_view text);

}  // namespace message
