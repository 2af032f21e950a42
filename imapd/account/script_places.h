// imapd/account/script_places.h - where a user's Sieve scripts are, for whoever runs them and whoever only asks if there are
// any.
//
// Failure     a reason that names the parameter where the user has no such place.
// Trust       as mail_location.h: user and home come from auth.
#pragma once

#include <expected>
#include <string>

#include "imapd/account/script_params.h"

namespace account {

// Whose scripts and mail they are.
struct Owner {
    std::string name;  // user@domain
    std::string home;
};

struct Places {
    std::string directory;
    std::string active;
    std::string default_script;  // empty: none
};
std::expected<Places, std::string> places_of(const ScriptParams& params, const Owner& owner);

}  // namespace account
