// smtpd/restrictions/restriction.h - the smtpd_*_restrictions language.
//
// A list is read once, when the process starts; evaluating it goes through its entries until one decides.
// Whatever an entry finds, every decision is a Verdict: the session turns it into a reply and a log line.
//
// Standards   postconf(5) at smtpd_recipient_restrictions, access(5), SMTPD_ACCESS_README
// Failure     a table that cannot answer gives 451 4.3.0; a restriction that does not exist gives 451 4.3.5, and
//             is reported at start.
// Trust       everything asked about comes from strangers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/address/recipients.h"
#include "lib/dict/match_list.h"
#include "lib/dict/table_list.h"
#include "lib/smtp/reply.h"
#include "smtpd/params.h"

namespace smtpd {

struct Services;
class DnsAnswers;

// What is known at the moment of the question. Recipient members are empty before RCPT.
struct Facts {
    std::string client_name = "unknown";
    std::string client_address;
    std::string helo;
    bool authenticated = false;
    std::string login;
    bool tls = false;
    bool pipelined_too_early = false;
    bool has_sender = false;
    address::Mailbox sender;
    std::string sender_text;  // as the client gave it
    bool has_recipient = false;
    address::Mailbox recipient;
    std::string recipient_text;
    std::size_t recipients = 0;  // accepted so far
    // Why a reject says what: "Client host", "Sender address", "Recipient address".
};

struct Verdict {
    // pending: the DNS has to be asked first; then the list is gone through again.
    enum class Kind { dunno, permit, reject, hold, discard, warn, pending };
    Kind kind = Kind::dunno;
    smtp::Reply reply;     // for reject
    std::string log_text;  // for hold, discard, warn: what goes into the log
};

enum class Stage { client, helo, sender, relay, recipient, data, end_of_data };

class Restrictions {
  public:
    Restrictions(const Params& params, config::MainCf& main_cf);
    ~Restrictions();

    // Evaluates the list of a stage. `notes` collects hold, discard and warn decisions on the way.
    Verdict evaluate(
        Stage stage, const Facts& facts, const Services& services, std::vector<Verdict>& notes, DnsAnswers& answers) const;
    // local_header_rewrite_clients, and other lists that only permit.
    bool permits(const Facts& facts, const Services& services) const;

    // Evaluated even where no list names them.
    static Verdict unlisted_recipient(const Facts& facts, const Services& services);
    static Verdict unlisted_sender(const Facts& facts, const Services& services);

    // Whether any list asks the DNS.
    bool needs_dns() const { return needs_dns_; }
    const std::vector<std::string>& problems() const { return problems_; }
    bool stale() const;

    struct Entry;
    using List = std::vector<std::unique_ptr<Entry>>;

  private:
    List parse(
        const std::string& parameter, const config::List& words, const Params& params, config::MainCf& main_cf, int depth);
    const List& list(Stage stage) const { return lists_[static_cast<std::size_t>(stage)]; }

    std::vector<List> lists_;
    List rewrite_clients_;
    std::vector<std::string> problems_;
    bool needs_dns_ = false;
};

}  // namespace smtpd
