// lib/sieve/parsed_message.h - what has been read of a message so far.
//
// Lifetime    views stay good as long as the Message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/message/structure.h"
#include "lib/sieve/header_index.h"
#include "lib/sieve/message.h"

namespace sieve {

class Message::Parsed {
  public:
    explicit Parsed(std::string_view text);

    std::string_view header_text() const { return text_.substr(0, header_length_); }
    std::string_view body_text() const { return text_.substr(header_length_); }
    // False if not even an empty line ends the header.
    bool has_body() const;
    std::uint64_t size();

    // The body with CR LF line ends.
    std::string_view raw_body();

    const message::Structure& structure();
    std::size_t part_count() { return structure().parts.size(); }
    const message::Part& part(std::size_t index) { return structure().parts.at(index); }
    // One past the last part inside this one: parts lie in depth-first order.
    std::size_t subtree_end(std::size_t index);

    HeaderIndex& part_header(std::size_t index);
    std::string_view part_header_text(std::size_t index);  // CR LF, without the empty line
    // The part's content, transfer encoding undone and, for text, in UTF-8 with CR LF line ends.
    std::string_view content(std::size_t index);
    // The same as readable text: markup of HTML removed. Nothing if it is no text that can be read.
    std::optional<std::string_view> readable(std::size_t index);
    // Before the first and behind the last boundary of a multipart.
    std::string_view prologue(std::size_t index);
    std::string_view epilogue(std::size_t index);

    bool has_known_encoding(std::size_t index);
    bool is_type(std::size_t index, std::string_view type, std::string_view subtype);

    // Octets kept beside the message: for the memory limit.
    std::size_t kept() const { return kept_; }

  private:
    struct Kept {
        std::unique_ptr<HeaderIndex> header;
        std::optional<std::string> header_text;
        std::optional<std::string> content;
        std::optional<std::string> readable;
        std::optional<std::string> prologue;
        std::optional<std::string> epilogue;
    };
    Kept& kept_of(std::size_t index);
    std::string_view keep(std::optional<std::string>& place, std::string value);
    std::string_view slice(std::uint64_t begin, std::uint64_t end) const;

    std::string_view text_;
    std::size_t header_length_ = 0;
    std::optional<std::uint64_t> size_;
    std::optional<std::string> raw_body_;
    std::optional<message::Structure> structure_;
    std::vector<Kept> parts_;
    std::size_t kept_ = 0;
};

// With CR LF line ends.
std::string with_crlf(std::string_view text);

// The text of an HTML document: tags, comments, scripts and styles removed, entities resolved.
std::string html_to_text(std::string_view html);

}  // namespace sieve
