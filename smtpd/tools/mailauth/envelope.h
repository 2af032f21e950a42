// smtpd/tools/mailauth/envelope.h - what mailauth is told about a message's way here, and its SPF verdict.
#pragma once

#include "lib/spf/spf.h"
#include "smtpd/tools/mailauth/subcommand.h"

namespace mailauth {

// This host's name (myhostname), for Received-SPF, Authentication-Results and %{r}.
std::string own_name(Invocation& call);
// From --client, --helo, --from and --receiver.
spf::Query spf_query(Invocation& call);
void add_spf(Report& report, const spf::Verdict& verdict);

event::Task<int> run_spf(Invocation& call);
event::Task<int> run_verify(Invocation& call);
event::Task<int> run_check(Invocation& call);

}  // namespace mailauth
