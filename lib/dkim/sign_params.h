// lib/dkim/sign_params.h - the main.cf parameters of the two programs that sign: cleanup, and signer with the keys.
#pragma once

#include "lib/config/param.h"

namespace dkim {

struct SignParams : config::ParamSet {
    config::Param<config::List> sign_table{*this, "dkim_sign_table", "",
        "The tables that say with which keys mail is signed, by the address in From: user@domain, domain, .parent.domain. A "
        "value "
        "is selector:/key/file, several of them for several signatures, and d=domain for another signing domain; or none. "
        "With "
        "unsigned_on_failure mail leaves unsigned while a key cannot be used; without, it is deferred. Only mail of this "
        "host, of "
        "mynetworks and of logged-in clients is signed."};
    config::Param<config::List> extra_key_files{*this, "dkim_extra_key_files", "",
        "Key files that the signer opens besides those it finds in dkim_sign_table; for tables that cannot be listed, such "
        "as "
        "pcre with $1 in the name."};
    config::Param<std::string> seal_key{*this, "arc_seal_key", "",
        "The key with which ARC seals are made, as domain:selector:/key/file. Mail of strangers is sealed when a user's "
        "rules or "
        "virtual aliases send it on to an address outside of this host's domains; a key that cannot be used defers it. "
        "Empty "
        "means that nothing is sealed."};
    config::Param<std::chrono::seconds> signature_lifetime{
        *this, "dkim_signature_lifetime", "0", "For how long a signature is good (x=). 0 means that it does not end."};
    config::Param<std::chrono::seconds> signer_timeout{*this, "dkim_signer_timeout", "30s", {.min = std::chrono::seconds(1)},
        "How long cleanup waits for the signer before it defers the message."};
    config::Param<int> signer_threads{
        *this, "dkim_signer_threads", 2, {.min = 1, .max = 64}, "How many signatures the signer makes at the same time."};
};

}  // namespace dkim
