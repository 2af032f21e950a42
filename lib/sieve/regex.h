// lib/sieve/regex.h - regular expressions with a bound on what a match may cost.
//
// Standards   draft-ietf-sieve-regex (extended regular expressions); PCRE2's dialect, which holds them
// Failure     a pattern that is none gives a reason; a match that takes more than its steps is `exhausted`.
// Trust       pattern and subject come from strangers. Patterns are bounded in length and nesting, matches in steps and
// memory.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sieve {

class Regex {
  public:
    enum class Result { no_match, match, exhausted };

    static std::expected<std::shared_ptr<const Regex>, std::string> compile(std::string_view pattern, bool ignore_case);
    ~Regex();
    Regex(const Regex&) = delete;
    Regex& operator=(const Regex&) = delete;

    // `groups` gets the whole match and the groups, "" for those that took no part.
    Result match(std::string_view subject, std::uint32_t steps, std::vector<std::string_view>& groups) const;

  private:
    Regex() = default;
    struct Handles;
    std::unique_ptr<Handles> handles_;
};

}  // namespace sieve
