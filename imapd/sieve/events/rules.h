// imapd/sieve/events/rules.h - imap_sieve_scripts: which script runs for which mailbox and cause.
//
//     imap_sieve_scripts = { Junk COPY /etc/malleposte/sieve/spam.sieve }
//                          { * COPY from=Junk /etc/malleposte/sieve/ham.sieve }
//                          { {Sent Items} APPEND,FLAG /etc/malleposte/sieve/sent.sieve }
//
// Failure     parse_rules() says which entry is wrong, and why.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/account/mailbox_events.h"
#include "lib/config/values.h"

namespace imapsieve {

using account::MailboxEvent;

struct Rule {
    std::string mailbox;  // as IMAP names it, or "*"
    std::string from;     // for COPY: only out of this one; empty: any
    unsigned causes = 0;  // one bit for each
    std::string script;   // absolute path
};

using Rules = std::vector<Rule>;

std::expected<Rules, std::string> parse_rules(const config::List& entries);

bool applies(const Rule& rule, MailboxEvent::Cause cause, std::string_view mailbox, std::string_view from);

// "COPY"
std::string_view cause_name(MailboxEvent::Cause cause);

}  // namespace imapsieve
