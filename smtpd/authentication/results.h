// smtpd/authentication/results.h - verdicts as header fields and as words for the log.
//
// Standards   RFC 8601, 2; RFC 7208, 9
#pragma once

#include <string>
#include <vector>

#include "lib/authres/authres.h"
#include "smtpd/authentication/verification.h"

namespace smtpd::authentication {

// One for each signature; "none" where there is none.
std::vector<authres::Result> dkim_results(const dkim::Verdict& verdict);
// `client` is the address that the message came from; empty: not known.
authres::Result arc_result(const dkim::ArcVerdict& arc, const std::string& client);
authres::Header make_results(const Findings& findings, const std::string& authserv_id);

// The fields that go on top of the message, each with CR LF: Authentication-Results, Received-SPF. At most `room` octets:
// words for people go first, then signatures beyond the first.
std::string format_fields(const Findings& findings, const std::string& authserv_id, std::size_t room);

// "spf=pass dkim=pass (d=example.test) arc=none dmarc=pass (example.test p=reject)"
std::string summary(const Findings& findings);

}  // namespace smtpd::authentication
