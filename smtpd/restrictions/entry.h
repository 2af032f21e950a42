// smtpd/restrictions/entry.h - one entry of a restriction list; inside restrictions/ only.
#pragma once

#include <expected>
#include <functional>

#include "smtpd/restrictions/dns_answers.h"
#include "smtpd/restrictions/restriction.h"

namespace smtpd {

struct Context {
    const Facts& facts;
    const Services& services;
    Stage stage;
    std::vector<Verdict>& notes;
    DnsAnswers& dns;
};

struct Restrictions::Entry {
    std::function<Verdict(const Context&)> check;
    bool warn_only = false;                  // warn_if_reject in front of it
    List nested;                             // a restriction class
    std::unique_ptr<dict::TableList> table;  // check_..._access
};

// Goes through a list until an entry decides.
Verdict evaluate_list(const Restrictions::List& list, const Context& context);

// The plain restrictions, by name: "permit_mynetworks". No value for an unknown name.
std::function<Verdict(const Context&)> find_check(const std::string& name, const Params& params);

// Those that ask the DNS; see dns_answers.h.
std::function<Verdict(const Context&)> find_dns_check(const std::string& name);
// Those that ask a DNS list, "domain" or "domain=filter".
bool is_list_check(const std::string& name);
std::expected<std::function<Verdict(const Context&)>, std::string> make_list_check(
    const std::string& name, const std::string& argument);

// access(5): what a table says about the thing that `name` (check_client_access, ...) looks at.
bool is_access_check(const std::string& name);
Verdict check_access(const std::string& name, const dict::TableList& table, const Context& context, const Params& params);

// Verdicts.
Verdict dunno();
Verdict permit();
Verdict reject(const Context& context, int code, std::string dsn, std::string text);
Verdict trouble(const std::string& why);

}  // namespace smtpd
