// lib/dmarc/params.h - the main.cf parameters of every program that judges messages by DMARC.
#pragma once

#include <string>

#include "lib/config/param.h"

namespace dmarc {

struct Params : config::ParamSet {
    config::Param<std::string> policy_discovery{*this, "dmarc_policy_discovery", "public_suffix_list",
        "How the policy of a domain's organisation is found: public_suffix_list as in RFC 7489, or tree_walk up the DNS as "
        "in "
        "its successor."};
    config::Param<config::List> trusted_sealers{*this, "arc_trusted_sealers", "",
        "Domains of forwarders and mailing lists whose ARC seals are believed. Where an unbroken run of them says that "
        "DMARC "
        "passed before they changed the message, its failure has no consequence."};
    config::Param<bool> report_send{*this, "dmarc_report_send", false,
        "Collect the results of DMARC and send a report about each day to the domains that ask for it with rua= in their "
        "record."};
};

}  // namespace dmarc
