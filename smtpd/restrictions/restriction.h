// smtpd/restrictions/restriction.h - the smtpd_*_restrictions language.
//
// A list is read once, when the process starts; evaluating it goes through its entries until one decides.
// Whatever an entry finds, every decision is a Verdict: the session turns it into a reply and a log line. What an entry
// asks, of tables or of the DNS, it awaits: a list asks no more than its order demands.
//
// Standards   postconf(5) at smtpd_recipient_restrictions, access(5), SMTPD_ACCESS_README
// Failure     a table that cannot answer gives 451 4.3.0; a restriction that does not exist gives 451 4.3.5, and
//             is reported at start.
// Trust       everything asked about comes from strangers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/address/recipients.h"
#include "lib/dict/match_list.h"
#include "lib/dict/table_list.h"
#include "lib/dns/resolver.h"
#include "lib/smtp/reply.h"
#include "smtpd/params.h"

namespace smtpd {

struct Services;

// Who evaluates: for whom questions are asked, and of whom in the DNS.
struct Inquiry {
    Inquiry(const question::Asker& the_asker, dns::Resolver* the_dns) : asker(the_asker), dns(the_dns) {}
    const question::Asker& asker;
    dns::Resolver* dns;  // nullptr: the DNS is not asked here
};

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
    enum class Kind { dunno, permit, reject, hold, discard, warn };
    Kind kind = Kind::dunno;
    smtp::Reply reply;     // for reject
    bool trouble = false;  // a reject that says nothing about the mail: something could not be found out
    std::string log_text;  // for hold, discard, warn: what goes into the log
};

struct Row;

enum class Stage { client, helo, sender, relay, recipient, data, end_of_data };

class Restrictions {
  public:
    Restrictions(const Params& params, config::MainCf& main_cf);
    ~Restrictions();

    // Evaluates the list of a stage. `notes` collects hold, discard and warn decisions on the way.
    event::Task<Verdict> evaluate(const Inquiry& inquiry, Stage stage, const Facts& facts, const Services& services,
        std::vector<Verdict>& notes) const;
    // local_header_rewrite_clients: permit, anything else is no; what has `trouble` is neither.
    event::Task<Verdict> may_complete_headers(const Inquiry& inquiry, const Facts& facts, const Services& services) const;

    // Evaluated even where no list names them.
    event::Task<Verdict> check_listed(
        const Inquiry& inquiry, Stage stage, const Facts& facts, const Services& services) const;

    // Whether any list asks the DNS, or an access table might name a restriction that does.
    bool needs_dns() const { return needs_dns_; }
    bool may_need_dns() const { return may_need_dns_; }
    const std::vector<std::string>& problems() const { return problems_; }
    bool stale() const;

    struct Entry;
    using List = std::vector<std::unique_ptr<Entry>>;
    // The restrictions that the right side of an access table names. Tables cannot be opened there: the process is in its
    // jail.
    List parse_right_side(const config::List& words) const;

  private:
    std::unique_ptr<Entry> take_entry(const std::string& parameter, const config::List& words, std::size_t& next,
        bool may_open, std::string& problem) const;
    std::unique_ptr<Entry> make_entry(
        const std::string& parameter, const Row& row, std::string argument, bool may_open) const;
    List parse(const std::string& parameter, const config::List& words);
    void parse_classes(const Params& params, config::MainCf& main_cf);
    const List& list(Stage stage) const { return lists_[static_cast<std::size_t>(stage)]; }

    std::map<std::string, List> classes_;  // smtpd_restriction_classes
    std::vector<List> lists_;
    List rewrite_clients_;
    std::vector<std::string> problems_;
    bool needs_dns_ = false;
    bool may_need_dns_ = false;
};

}  // namespace smtpd
