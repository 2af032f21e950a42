// lib/dkim/tag_list.h - "tag=value; tag=value": the form of signatures, key records, seals and DMARC records.
//
// Standards   RFC 6376, 3.2
// Failure     parse() tells what is wrong: a tag twice, no "=", an empty part, a control character.
// Lifetime    the tags are views into the text that was given.
// Trust       strangers write these; at most kMaxTags tags.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace dkim {

inline constexpr std::size_t kMaxTags = 64;

struct Tag {
    std::string_view name;   // case matters
    std::string_view value;  // without the blanks around it; those inside are still there
    std::size_t begin = 0;   // everything between "=" and ";", blanks too: [begin, end) of the text
    std::size_t end = 0;
};

class TagList {
  public:
    static std::expected<TagList, std::string> parse(std::string_view text);

    const Tag* find(std::string_view name) const;
    // The value, or nothing at all where the tag is missing.
    std::string_view value(std::string_view name) const;
    const std::vector<Tag>& tags() const { return tags_; }

  private:
    std::vector<Tag> tags_;
};

// Without blanks and line ends: for base64 and lists.
std::string without_blanks(std::string_view value);

}  // namespace dkim
