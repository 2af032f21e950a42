// imapd/account/mail_location.h - where a user's mail is.
//
// Trust       user and home come from auth; a user name that could lead out of its place ("..", "/", NUL) is refused.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace account {

// A mail_location with ~ %h %u %n %d put in, as store::open_account() takes it; or what is wrong with it. The same mail has
// the same text.
std::expected<std::string, std::string> mail_of(std::string_view location, std::string_view user, std::string_view home);

// The path that a pattern such as "~/.dovecot.sieve" or "/etc/sieve/%d/%n" names for a user; `what` is the parameter it is
// the value of, for the reason.
std::expected<std::string, std::string> user_path(
    std::string_view what, std::string_view pattern, std::string_view user, std::string_view home);

}  // namespace account
