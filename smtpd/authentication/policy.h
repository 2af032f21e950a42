// smtpd/authentication/policy.h - what a verdict leads to.
//
// Standards   RFC 7372, 3 (enhanced status codes); RFC 7489, 6.6; RFC 7208, 8
// Failure     make() reports parameters that say nothing; an exception table that cannot answer defers.
// Trust       findings are ours; the names in them are strangers' and made printable by whoever logs or replies.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/dict/table_list.h"
#include "lib/dkim/params.h"
#include "lib/dmarc/params.h"
#include "lib/smtp/reply.h"
#include "smtpd/authentication/params.h"
#include "smtpd/authentication/verification.h"

namespace smtpd::authentication {

enum class Level { none, tag, quarantine, enforce };

struct Decision {
    enum class Action { accept, quarantine, defer, reject };  // the later one is stronger
    Action action = Action::accept;
    smtp::Reply reply;  // for reject and defer
    std::string why;    // for the log; empty where nothing was decided
};

// Which methods an entry of mail_auth_exception_maps keeps from acting.
struct Exemption {
    bool spf = false, dkim = false, dmarc = false;
    std::string key;  // what was found
};

class Policy {
  public:
    Policy(const Params& params, const dkim::Params& dkim, const dmarc::Params& dmarc, bool soft_bounce);

    // Whether anything is asked at all.
    bool wants_spf() const { return spf_ != Level::none || dmarc_ != Level::none; }
    bool wants_content() const { return dkim_ != Level::none || dmarc_ != Level::none; }
    bool wants_dmarc() const { return dmarc_ != Level::none; }
    bool holds_quarantined() const { return hold_; }
    Settings settings(std::int64_t now) const;
    spf::Limits spf_limits() const;

    struct Sender {
        Sender(std::string the_client_address, std::string the_client_name, std::string the_address, std::string the_domain)
            : client_address(std::move(the_client_address)),
              client_name(std::move(the_client_name)),
              address(std::move(the_address)),
              domain(std::move(the_domain)) {}
        std::string client_address, client_name, address, domain;
    };
    // Of the client and the envelope; with `author_domain`, of that alone. No value where a table cannot answer.
    using Found = std::expected<Exemption, dict::Failure>;
    event::Task<Found> find_exemption(const question::Asker& asker, Sender sender) const;
    event::Task<Found> find_exemption(const question::Asker& asker, std::string author_domain) const;
    // Where our own limit kept us from asking the DNS: no verdict then, whatever mail_auth_temperror_action says.
    Decision try_later() const;

    // At RCPT, for SPF alone; at the end of the message, for the rest.
    Decision decide_spf(const Findings& findings, const Exemption& exemption) const;
    Decision decide_content(const Findings& findings, const Exemption& exemption) const;

    const std::vector<std::string>& problems() const { return problems_; }
    bool stale() const { return exceptions_.stale(); }

  private:
    Level level(const config::Param<std::string>& parameter);
    bool one_of(const config::Param<std::string>& parameter, std::string_view first, std::string_view second);
    Decision refuse(int code, std::string status, std::string text) const;
    Decision trouble(std::string_view method, std::string status, const std::string& reason, Level level) const;
    Decision decide_dkim(const Findings& findings) const;
    Decision decide_dmarc(const Findings& findings) const;
    event::Task<std::expected<bool, dict::Failure>> look_up(
        const question::Asker& asker, std::string key, Exemption& exemption) const;

    const Params& params_;
    bool soft_bounce_;
    std::vector<std::string> problems_;
    Settings settings_;
    Level spf_, dkim_, dmarc_;
    bool hold_, defers_;
    dict::TableList exceptions_;
};

}  // namespace smtpd::authentication
