// lib/authres/authres.h - the value of an Authentication-Results field, read and written.
//
//     authres::Header header{.authserv_id = "mx.example.test"};
//     header.results.push_back({.method = "spf", .result = "pass", .properties = {{"smtp", "mailfrom", "example.test"}}});
//     std::string value = authres::format(header);
//
// Standards   RFC 8601, 2.2; values as people send them: an unquoted one may hold anything but blanks, ";" and "(".
// Failure     parse() gives a reason. format() cannot fail: what does not fit into a word is quoted, and control
//             characters become "?", so nothing from a stranger can end the field.
// Lifetime    values own their text.
// Trust       parse() and claims_to_be() read what strangers write: time is linear, results are limited to kMaxResults.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace authres {

inline constexpr std::size_t kMaxResults = 100;
inline constexpr std::size_t kMaxProperties = 100;

struct Property {
    std::string type;   // "smtp", "header", "body", "policy", "dns"
    std::string name;   // "mailfrom"
    std::string value;  // without quotes

    bool operator==(const Property&) const = default;
};

struct Result {
    std::string method;  // lower case: "dkim"
    unsigned version = 1;
    std::string result;   // lower case: "pass"
    std::string comment;  // right behind the result, without its parentheses
    std::string reason;   // reason=...
    std::vector<Property> properties;

    // The value of a property, none if it is not there.
    const std::string* find(std::string_view type, std::string_view name) const;
    bool operator==(const Result&) const = default;
};

struct Header {
    std::string authserv_id;
    unsigned version = 1;
    std::vector<Result> results;  // empty: "none", nothing was checked

    bool operator==(const Header&) const = default;
};

// The value of the field, behind the colon; may be folded.
std::expected<Header, std::string> parse(std::string_view value);

// The value, folded with CR LF and a tab after each result; no line end behind it.
std::string format(const Header& header);
// The results alone: "spf=pass smtp.mailfrom=example.test; dkim=none". With `fold`, each begins a line of its own.
std::string format_results(const std::vector<Result>& results, bool fold);

// Whether the field speaks in the name of this authserv-id, whatever its version, case, comments and quotes; also where
// the rest of it is no legal field. A field whose id cannot be found claims it if the id stands anywhere in it: this is for
// taking forgeries out, RFC 8601, 5.
bool claims_to_be(std::string_view value, std::string_view authserv_id);

}  // namespace authres
