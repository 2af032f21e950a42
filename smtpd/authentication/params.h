// smtpd/authentication/params.h - the main.cf parameters about SPF, DKIM, ARC and DMARC of arriving mail.
#pragma once

#include "lib/authres/params.h"

namespace smtpd::authentication {

struct Params : authres::Params {
    config::Param<std::string> spf_policy{*this, "spf_policy", "none", {.min = 1},
        "What SPF decides about mail of strangers: none (it is not asked), tag (the verdict stands in the header), "
        "quarantine (mail of which the domain's owner says fail is put aside, see mail_auth_quarantine), enforce (it is "
        "refused with 550 5.7.23). Clients in mynetworks and authenticated ones are never asked about."};
    config::Param<std::string> dkim_policy{*this, "dkim_policy", "none", {.min = 1},
        "The same for messages without a DKIM signature that verifies; enforce refuses them with 550 5.7.20. Much "
        "honest mail is not signed: above tag this is for hosts that talk to few others."};
    config::Param<std::string> dmarc_policy{*this, "dmarc_policy", "none", {.min = 1},
        "The same for DMARC: quarantine puts aside what the author's domain wants quarantined or rejected, enforce "
        "refuses with 550 5.7.26 what it wants rejected and puts aside what it wants quarantined. A message whose author "
        "cannot be told, because From names none or the header is too long, is treated as one to be rejected."};
    config::Param<std::string> quarantine{*this, "mail_auth_quarantine", "hold", {.min = 1},
        "How mail is put aside: hold (into the hold queue, until the administrator releases or deletes it with "
        "postsuper) or tag (delivered with the field X-Quarantine on top, for a filter to sort)."};
    config::Param<std::string> temperror_action{*this, "mail_auth_temperror_action", "accept", {.min = 1},
        "What becomes of a message about which the DNS does not answer: accept, or defer (451; only where the "
        "method's policy is quarantine or enforce)."};
    config::Param<config::List> exception_maps{*this, "mail_auth_exception_maps", "",
        "Tables with clients and domains for which no policy acts; verdicts are still made and written down. Asked in "
        "turn: the client's address, its name, the envelope sender, its domain, the domain in From. The value is OK, or "
        "the methods that do not act: spf dkim dmarc."};

    config::Param<std::chrono::seconds> spf_time_limit{*this, "spf_time_limit", "20s", {.min = std::chrono::seconds(1)},
        "How long one SPF evaluation may take (RFC 7208, 4.6.4); then it is a temperror."};
    config::Param<int> lookup_limit{*this, "dkim_lookup_limit", 60, {.min = 1, .max = 1000},
        "Keys that are looked up for one message, for DKIM and ARC together."};
    config::Param<int> header_limit{*this, "dkim_header_limit", 1048576, {.min = 10240},
        "Octets of a header that are kept for DKIM, ARC and DMARC; a longer one is not verified."};
};

}  // namespace smtpd::authentication
