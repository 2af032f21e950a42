// lib/dict/pattern_rules.h - what regexp:, pcre: and cidr: tables have in common: rules in order, if/endif, "!".
//
//     /pattern/flags  result        the result when the pattern matches
//     !/pattern/flags result        when it does not
//     if /pattern/flags ... endif   the rules between count only when it matches; nests
//
// Standards   regexp_table(5), pcre_table(5), cidr_table(5)
// Failure     a wrong rule is passed over and reported, in Postfix's words; the others stand.
// Trust       keys come from strangers; each matcher bounds its own work. $1 in a result is filled with a part of
//             the key and never looked at again.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dict/table.h"

namespace dict {

// One compiled pattern.
class Matcher {
  public:
    virtual ~Matcher() = default;
    // Empty when it does not match; otherwise the whole match and its groups.
    using Groups = std::vector<std::string_view>;
    virtual std::expected<bool, std::string> match(std::string_view key, Groups& groups) const = 0;
    virtual std::size_t group_count() const = 0;
};

// How one type of table reads a pattern: takes it off the front of text.
struct PatternSyntax {
    std::string type;  // "regexp"
    bool has_groups;   // $1 in results means something
    std::function<std::expected<std::unique_ptr<Matcher>, std::string>(std::string_view& text)> take;
};

// Path of a file, or { {rule}, {rule} } in place of one.
Opened open_pattern_table(const std::string& name, PatternSyntax syntax);

// "/pattern/flags" off the front of text: any character that is no letter, digit or blank delimits. The flags end
// at blank space, or at one of stop_at.
struct Delimited {
    std::string pattern;
    std::string flags;
};
std::expected<Delimited, std::string> take_delimited(std::string_view& text, std::string_view stop_at = "");

}  // namespace dict
