// imapd/mail_location.h - where a user's mail is.
//
// Trust       user and home come from auth; a user name that could lead out of its place ("..", "/", NUL) is refused.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace imapd {

/// The directory that `maildir:PATH` names, with ~ %h %u %n %d put in; or what is wrong with it.
std::expected<std::string, std::string> mail_root(std::string_view location, std::string_view user,
                                                  std::string_view home);

}  // namespace imapd
