// lib/dns/params.h - the main.cf parameters of every program that asks the DNS by itself.
#pragma once

#include "lib/config/param.h"

namespace dns {

struct Params : config::ParamSet {
    config::Param<config::List> forwarders{*this, "dns_resolver_forwarders", "",
        "The DNS servers that are asked: 192.0.2.53, 192.0.2.53:5353, [2001:db8::53]:5353. Empty: those of "
        "/etc/resolv.conf, unless dns_root_hints_file is set."};
    config::Param<std::string> root_hints_file{*this, "dns_root_hints_file", "",
        "Ask nobody else but resolve from the root servers that this file names, as Debian's "
        "/usr/share/dns/root.hints does. dns_resolver_forwarders must be empty then."};
    config::Param<std::string> trust_anchor_file{*this, "dns_trust_anchor_file", "",
        "Verify DNSSEC from these keys on, DS or DNSKEY records as in Debian's /usr/share/dns/root.key. Without it no "
        "answer counts as secure, and none as bogus."};
    config::Param<std::chrono::seconds> timeout{*this, "dns_timeout", "5s", {.min = std::chrono::seconds(1)},
        "How long one question to the DNS may take before it counts as a temporary failure."};
    config::Param<std::int64_t> cache_size{
        *this, "dns_cache_size", 8388608, {.min = 65536}, "Octets of DNS answers that each process keeps."};
    config::Param<int> question_limit{*this, "dns_question_limit", 1000, {.min = 1},
        "Questions that a process has under way at once; more wait in turn, and count as a temporary failure after "
        "dns_timeout. What is known already is told at any time."};
    config::Param<int> client_question_limit{*this, "dns_client_question_limit", 20, {.min = 1},
        "Questions of one client, such as an SMTP session, that are under way at once; its further ones wait for its own."};
};

}  // namespace dns
