// smtpd/authentication/verification.h - all verdicts about one message: SPF, DKIM, ARC, DMARC.
//
//     Findings findings = ...;                       // SPF's, made at MAIL
//     Verification verification(tools, settings);
//     for each piece of the message: verification.feed(piece);
//     co_await verification.finish(findings);
//
// Used by smtpd for messages as they arrive, and by mailauth verify.
//
// Standards   RFC 7208, 6376, 8617, 7489, 8601
// Failure     trouble of any kind is a verdict; nothing is thrown but cancellation.
// Lifetime    tools outlive it. May be dropped at any time.
// Trust       the message is a stranger's; limits are in the settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/authres/authres.h"
#include "lib/dkim/verifier.h"
#include "lib/dmarc/evaluate.h"
#include "lib/spf/spf.h"

namespace smtpd::authentication {

// What lasts longer than a message.
struct Tools {
    event::Loop& loop;
    dns::Resolver& resolver;
    dkim::KeyCache& keys;
    const dmarc::PublicSuffixes& suffixes;
};

struct Settings {
    bool verify_dmarc = true;
    dkim::Options dkim;
    dmarc::Options dmarc;
};

struct Findings {
    spf::Query envelope;
    std::optional<spf::Verdict> helo;       // identity HELO
    std::optional<spf::Verdict> mail_from;  // identity MAIL FROM; for the null sender, that of HELO counts
    std::optional<dkim::Verdict> dkim;
    std::optional<dmarc::Verdict> dmarc;

    // The SPF verdict that DMARC looks at.
    const spf::Verdict* spf() const { return mail_from ? &*mail_from : helo ? &*helo : nullptr; }
    bool has_passing_signature() const;
    bool has_dkim_trouble() const;  // a key could not be fetched, and nothing else passed
};

// SPF for HELO and MAIL FROM. A HELO verdict that is known already may be in the findings.
event::Task<void> check_spf(dns::Resolver& resolver, spf::Limits limits, Findings& findings);

class Verification {
  public:
    Verification(const Tools& tools, Settings settings);

    void feed(std::string_view octets);
    // `exempt`: why local policy lets the message be; DMARC's verdict then says so.
    event::Task<void> finish(Findings& findings, std::string exempt);
    // The domain in From, once the header is complete; empty where there is none or several.
    std::string author_domain() const;

  private:
    const Tools& tools_;
    Settings settings_;
    dkim::Verifier verifier_;
};

}  // namespace smtpd::authentication
