// smtpd/authentication/gate.h - the authentication of arriving mail: what a process has of it, and what a message has.
//
//     Gate gate(parameters, ...); gate.open_dns(main_cf);          // before the jail
//     Inspection inspection(gate, asker, dns, checked);            // at DATA, for a stranger's message
//     inspection.take(octets, out);                                // out: what goes on to cleanup
//     Decision decision = co_await inspection.finish(out);
//     ... inspection.prepend() belongs on top of the message ...
//
// Standards   RFC 8601, 4 and 5
// Failure     a policy, table or resolver that cannot be used is told by problems() or open_dns() at start; later trouble
//             is part of the decision.
// Lifetime    the gate outlives its inspections, and ends before the loop (close()).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/config/main_cf.h"
#include "lib/dmarc/observation.h"
#include "lib/dns/shared_resolver.h"
#include "smtpd/authentication/forgery_filter.h"
#include "smtpd/authentication/policy.h"
#include "smtpd/authentication/verification.h"

namespace smtpd::authentication {

// Octets that Authentication-Results, Received-SPF and X-Quarantine may take together.
inline constexpr std::size_t kPrependRoom = 4096;

class Gate {
  public:
    Gate(config::MainCf& main_cf, event::Loop& loop, std::string host, bool soft_bounce);

    const Policy& policy() const { return *policy_; }
    const std::string& host() const { return host_; }
    const std::string& authserv_id() const { return authserv_id_; }
    std::vector<std::string> problems() const;
    bool stale() const { return policy_->stale(); }

    // Where policies (or `wanted` by others) need it; the reason where the DNS cannot be asked as configured.
    std::expected<void, std::string> open_dns(config::MainCf& main_cf, bool wanted);
    bool wants_dns() const { return policy_->wants_spf() || policy_->wants_content(); }
    bool has_dns() const { return dns_ != nullptr; }
    dns::SharedResolver& dns() const { return *dns_; }
    Tools tools(dns::Resolver& resolver) const { return {loop_, resolver, keys_, *suffixes_}; }
    // For the domain owner's daily report; does nothing unless dmarc_report_send is set.
    void report(const Findings& findings, Decision::Action action) const;
    // Tests serve the DNS from memory.
    void use_resolver(std::unique_ptr<dns::Resolver> resolver, question::DeskLimits limits = {});
    void close();

  private:
    event::Loop& loop_;
    std::string host_, authserv_id_;
    Params params_;
    dkim::Params dkim_params_;
    dmarc::Params dmarc_params_;
    std::vector<std::string> problems_;
    std::unique_ptr<Policy> policy_;
    std::unique_ptr<dns::SharedResolver> dns_;
    mutable dkim::KeyCache keys_;
    std::unique_ptr<dmarc::PublicSuffixes> suffixes_;
    std::unique_ptr<dmarc::ReportLink> report_link_;
};

// What is known about a stranger's message before its content.
struct Checked {
    Findings findings;  // envelope, and SPF where it was asked
    Exemption exemption;
    Decision spf;
};

class Inspection {
  public:
    // dns: the client's seat; nullptr where the gate has no DNS.
    Inspection(const Gate& gate, const question::Asker& asker, dns::Seat* dns, Checked checked);

    void take(std::string_view octets, std::string& out);
    // The rest of what goes on, and what becomes of the message.
    event::Task<Decision> finish(std::string& out);
    // Header fields with CR LF, after finish(); empty where nothing was asked.
    std::string prepend() const;
    // For the log, after finish(): verdicts, action and reason; empty where nothing was asked.
    std::string log_line() const;
    bool holds() const;
    bool may_prepend() const { return asks(); }

  private:
    bool asks() const { return verification_ || checked_.findings.spf() != nullptr; }

    const Gate& gate_;
    const question::Asker& asker_;
    dns::Seat* dns_;
    Checked checked_;
    ForgeryFilter filter_;
    std::optional<Tools> tools_;
    std::optional<Verification> verification_;
    Decision decision_;
};

}  // namespace smtpd::authentication
