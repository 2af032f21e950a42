// smtpd/tools/mailauth/message.h - the message on the standard input, verified and signed.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/authres/authres.h"
#include "lib/dkim/crypto.h"
#include "lib/dkim/verifier.h"
#include "lib/dmarc/evaluate.h"
#include "smtpd/tools/mailauth/subcommand.h"

namespace mailauth {

// The standard input with every line end made CR LF.
struct Message {
    std::string octets;
    bool bare_line_ends = false;  // it came with LF alone
};
Message read_message();

// A message and what DKIM and ARC say about it.
struct Verified {
    std::unique_ptr<dkim::KeyCache> keys;
    std::unique_ptr<dkim::Verifier> verifier;  // its fields() are the message's
    dkim::Verdict verdict;
};
event::Task<void> verify_message(Invocation& call, const std::string& octets, Verified& out);

// --method, or dmarc_policy_discovery; --trusted-sealer, or arc_trusted_sealers.
dmarc::Options dmarc_options(Invocation& call);

void add_dkim(Report& report, const dkim::Verdict& verdict);
void add_arc(Report& report, const dkim::ArcVerdict& verdict);
void add_dmarc(Report& report, const dmarc::Verdict& verdict);

// --authserv-id, or this host's name.
std::string authserv_id(Invocation& call);
void add_authres_header(Invocation& call, std::vector<authres::Result> results);

// --key SELECTOR=FILE, each read; UsageError or FileError.
struct NamedKey {
    std::string selector;
    dkim::PrivateKey key;
};
std::vector<NamedKey> read_keys(Invocation& call);

// Field text in CR LF form, for the report.
void add_field(Report& report, const std::string& field);
// Writes text in CR LF form to the standard output, with the line ends that the input had.
void write_message(const std::string& text, bool bare_line_ends);

event::Task<int> run_dkim(Invocation& call);
event::Task<int> run_arc(Invocation& call);
event::Task<int> run_dmarc(Invocation& call);
event::Task<int> run_sign(Invocation& call);
event::Task<int> run_seal(Invocation& call);
event::Task<int> run_keygen(Invocation& call);
event::Task<int> run_report(Invocation& call);

}  // namespace mailauth
