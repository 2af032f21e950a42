// lib/dmarc/json.h - a small reader of JSON, for reports.
//
// Standards   RFC 8259; of a name that is there twice the first counts
// Failure     a reason with the octet where it went wrong.
// Lifetime    a value owns its text.
// Trust       strangers' files: nesting is limited to kMaxJsonDepth, values to kMaxJsonValues.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dmarc {

inline constexpr std::size_t kMaxJsonDepth = 32;
inline constexpr std::size_t kMaxJsonValues = 500'000;

struct Json {
    enum class Kind { null, boolean, number, string, array, object };
    Kind kind = Kind::null;
    std::string text;                // of a string; of a number or boolean as it was written
    std::vector<Json> items;         // of an array or object
    std::vector<std::string> names;  // of an object's items

    // The member of an object; a null where it is not there, or this is no object.
    const Json& operator[](std::string_view name) const;
    // The text of a string; empty for everything else.
    std::string string() const { return kind == Kind::string ? text : std::string(); }
    // A number without sign and fraction; 0 for everything else.
    unsigned long long count() const;
};

std::expected<Json, std::string> parse_json(std::string_view text);

}  // namespace dmarc
