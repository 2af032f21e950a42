// lib/config/expand.h - the "$name" language of main.cf.
//
//   $name  ${name}  $(name)            the value
//   ${name?text}  ${name?{text}}       text if the value is not empty
//   ${name:text}  ${name:{text}}       text if it is empty
//   ${name?{text1}:{text2}}            one or the other
//   ${{a} == {b} ? {text1} : {text2}}  also != < <= > >=, numerically when both are numbers;
//                                      <level and its kin compare compatibility levels; alone it gives "true"
//   $$                                 a dollar sign
//
// Standards   postconf(5), "DESCRIPTION"
// Failure     the reason, with the place in the text; nothing here logs.
// Trust       looked-up values are pasted in, never expanded a second time here.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace config {

// Gives the final value of a name, or nothing when the name does not exist (it then counts as empty).
// An error ends the expansion: it is how a recursion limit reports.
using Lookup = std::function<std::expected<std::optional<std::string>, std::string>(std::string_view name)>;

std::expected<std::string, std::string> expand(std::string_view text, const Lookup& lookup);

// The names that a text mentions, including those inside conditional parts.
std::vector<std::string> referenced_names(std::string_view text);

}  // namespace config
