// lib/message/content_type.h - a value with parameters: Content-Type, Content-Disposition.
//
// Parameters that RFC 2231 split (name*0, name*1*) are joined under their plain name; an extended
// one (name*) is decoded to UTF-8 only by decoded(), for the raw form is what BODYSTRUCTURE shows.
//
// Standards   RFC 2045, 5.1; RFC 2183; RFC 2231, 3 and 4
// Failure     none; what is not understood is left out.
// Trust       the text comes from strangers; at most kMaxParameters parameters are kept.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace message {

inline constexpr std::size_t kMaxParameters = 100;

struct Parameter {
    std::string name;  // lower case; as written otherwise, with "*" when the value is RFC 2231 encoded
    std::string value;
};

struct ParameterizedValue {
    std::string value;  // "text/plain", "attachment"; as written
    std::vector<Parameter> parameters;

    // The parameter's value as written; empty if it is not there.
    std::string_view find(std::string_view name) const;
};

ParameterizedValue parse_parameterized(std::string_view body);

// A parameter value in UTF-8: `name*` decoded by RFC 2231, `name` as it is.
std::string decoded(const Parameter& parameter);

// The tokens of a list like Content-Language: `de, en`.
std::vector<std::string> parse_token_list(std::string_view body);

}  // namespace message
