// lib/message/structure.h - the MIME tree of a message, with exact octet offsets.
//
// The text may have CR LF or bare LF line ends, or both. Each position counts raw octets and the bare
// LFs before it, so `octets()` is the offset in the CR LF form that IMAP serves, and `raw` the offset in
// the file. A part ends before the line end that belongs to the boundary after it.
//
// The tree is a vector: children come after their parent, so there can be no cycle, and parts past
// the limits are simply not opened: their text stays in the part around them.
//
// Standards   RFC 2046, 5.1 and 5.2; RFC 2045, 5 and 6; RFC 3501, 6.4.5 (numbering of parts)
// Failure     none; any text has a structure.
// Trust       the text comes from strangers; one pass, time linear, memory bounded by Limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/message/content_type.h"

namespace message {

struct Position {
    std::uint64_t raw = 0;    // octets of the text before this point
    std::uint64_t bare = 0;   // bare LFs among them
    std::uint64_t lines = 0;  // all LFs among them

    std::uint64_t octets() const { return raw + bare; }
};

struct Part {
    enum class Kind { leaf, multipart, message };
    static constexpr std::uint32_t kNone = UINT32_MAX;

    Kind kind = Kind::leaf;
    std::uint32_t parent = kNone;
    std::uint32_t first_child = kNone;
    std::uint32_t next_sibling = kNone;
    std::uint32_t child_count = 0;

    Position header;  // where the part's own header begins
    Position body;    // where its body begins
    Position end;

    std::string type = "text";
    std::string subtype = "plain";
    std::vector<Parameter> parameters;
    bool has_content_type = false;
    std::string id;
    std::string description;
    std::string encoding;
    std::string md5;
    std::string location;
    ParameterizedValue disposition;
    std::vector<std::string> languages;

    // The boundary parameter, empty if there is none.
    std::string_view find_boundary_text() const;

    std::uint64_t body_octets() const { return end.octets() - body.octets(); }
    std::uint64_t body_lines() const { return end.lines - body.lines; }
};

struct Limits {
    std::size_t depth = 100;  // nesting of multiparts and messages
    std::size_t parts = 10'000;
    std::size_t boundary = 256;       // RFC 2046 says 70; senders exceed it
    std::size_t header = 256 * 1024;  // octets of one part's header that are looked at
};

struct Structure {
    std::vector<Part> parts;  // [0] is the message itself

    const Part& root() const { return parts.front(); }

    // The part that IMAP calls by these numbers (1-based), or null. An empty path is the root.
    const Part* find(std::span<const std::uint32_t> path) const;

    // The message inside a message/rfc822 part, or null.
    const Part* nested_message(const Part& part) const;
};

Structure parse_structure(std::string_view text, const Limits& limits = {});

}  // namespace message
