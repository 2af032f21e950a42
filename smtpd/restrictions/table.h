// smtpd/restrictions/table.h - every restriction: a row says all there is to say about it.
//
// The same rows serve a list in main.cf and a restriction that an access table names on its right side. To add a
// restriction: a function in checks.cc, access.cc or dns_checks.cc, and a row in table.cc.
#pragma once

#include <string_view>

#include "lib/question/pending.h"
#include "smtpd/restrictions/restriction.h"

namespace smtpd {

struct Context;

// What stands behind the name in a list.
enum class Argument {
    none,
    access_table,  // type:table
    dns_list,      // domain, or domain=filter
    passed_over,   // something that this version does not read
};

// Whom an access table or a DNS list is asked about.
enum class About { nothing, client, client_name, helo, sender, recipient, login };

struct Row {
    using Check = question::Pending<Verdict> (*)(const Context& context, const Restrictions::Entry& entry);

    std::string_view name;
    Check check;  // nullptr: postconf(5) has it, this version does not evaluate it
    Argument argument = Argument::none;
    bool asks_dns = false;
    About about = About::nothing;
};

const Row* find_row(std::string_view name);

// checks.cc
question::Pending<Verdict> always_permit(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> always_reject(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> always_defer(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> in_mynetworks(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> is_own_interface(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> is_authenticated(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> permit_destination(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> reject_destination(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> defer_destination(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> non_fqdn_helo(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> invalid_helo(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> non_fqdn_sender(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> non_fqdn_recipient(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> unknown_client(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> early_pipelining(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> several_bounce_recipients(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> plaintext_session(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> unlisted_recipient(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> unlisted_sender(const Context&, const Restrictions::Entry&);
// access.cc
question::Pending<Verdict> access_table(const Context&, const Restrictions::Entry&);
// dns_checks.cc
question::Pending<Verdict> unknown_sender_domain(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> unknown_recipient_domain(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> unknown_helo(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> unknown_reverse_client(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> reject_listed(const Context&, const Restrictions::Entry&);
question::Pending<Verdict> permit_listed(const Context&, const Restrictions::Entry&);

}  // namespace smtpd
