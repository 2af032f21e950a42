// lib/spf/spf.h - whether a host may use a domain in HELO or MAIL FROM, as the domain's owner says.
//
//     spf::Query query;  // client, helo, sender, receiver, now
//     spf::Verdict verdict = co_await spf::check(resolver, query, spf::Identity::mail_from, limits);
//     if (verdict.result == spf::Result::fail) ...
//
// Standards   RFC 7208; section numbers stand beside what they ask for
// Failure     trouble with the DNS is a result (temperror), a broken record too (permerror); nothing is thrown but the
//             cancellation of the session.
// Lifetime    the resolver outlives the check.
// Trust       sender, helo and every record come from strangers. Work is bounded by Limits: terms that ask the DNS, void
//             answers, names per mx and ptr, and time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/dict/network.h"
#include "lib/dns/resolver.h"

namespace spf {

enum class Result { none, neutral, pass, fail, softfail, temperror, permerror };
std::string_view result_name(Result result);

enum class Identity { mail_from, helo };

struct Query {
    dict::IpAddress client;
    std::string helo;
    std::string sender;    // of MAIL FROM, unquoted; empty: the null sender
    std::string receiver;  // this host's name
    std::int64_t now = 0;  // seconds since 1970
};

struct Limits {
    int lookups = 10;      // 4.6.4: terms that ask the DNS
    int void_lookups = 2;  // 4.6.4: questions without an answer
    int names = 10;        // 4.6.4: of one mx or ptr
    std::chrono::milliseconds time{20000};
};

struct Verdict {
    Result result = Result::none;
    Identity identity = Identity::mail_from;
    std::string domain;       // whose record decided at the start: not that of an include or redirect
    std::string mechanism;    // as published; "default" where none matched
    std::string reason;       // for people, when something is wrong or missing
    std::string explanation;  // of the domain's owner, with fail; empty: none
    int questions = 0;        // to the DNS
};

// With Identity::mail_from and a null sender, postmaster at the HELO name is checked (2.4).
event::Task<Verdict> check(dns::Resolver& resolver, Query query, Identity identity, Limits limits);

// The value of a Received-SPF field on one line (9.1).
std::string received_spf(const Verdict& verdict, const Query& query);

}  // namespace spf
