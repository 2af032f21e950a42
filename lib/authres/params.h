// lib/authres/params.h - the main.cf parameter of every program that writes Authentication-Results or believes its own.
#pragma once

#include "lib/config/param.h"

namespace authres {

struct Params : config::ParamSet {
    config::Param<std::string> authserv_id{*this, "authserv_id", "$myhostname", {.min = 1},
        "The name under which this host writes Authentication-Results. Fields that strangers send in this name are "
        "taken out (RFC 8601, 5)."};
};

}  // namespace authres
