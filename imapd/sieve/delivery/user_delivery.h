// imapd/sieve/delivery/user_delivery.h - one user's process: scripts say where a message goes, and it goes there.
//
// All or nothing: what is to be stored lies in tmp/ before anything is sent, what is sent is in the queue before anything
// is stored, and if storing fails what was stored is taken back and the answer is 4xx. Mail that a script lost its way with
// (an error in it, a limit, a mailbox that is not there) goes to the INBOX, with a line in the log and, once a day, a note
// to the user.
//
// Standards   RFC 5228, 2.10; RFC 5429 (refusing), RFC 5230 (vacation), RFC 5435/5436 (notify), RFC 8580 (copies), RFC 7352
// Rights      the user's. Failure: a SievedDelivered that is not 250.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imapd/sieve/delivery/params.h"
#include "imapd/sieve/delivery/parent_link.h"
#include "imapd/sieve/scripts/compiled.h"
#include "imapd/sieve/scripts/mail_host.h"
#include "imapd/sieve/scripts/memory.h"
#include "imapd/sieve/scripts/ready_scripts.h"
#include "lib/ipc/records/sieve.h"
#include "lib/sieve/interpreter.h"
#include "lib/sieve/vacation.h"
#include "lib/store/account.h"

namespace sieve_delivery {

using ipc::records::SieveDeliver;
using ipc::records::SieveDelivered;

// What stays between the messages of one user.
class UserDelivery {
  public:
    // `mail` is a mail_location without ~ and %.
    UserDelivery(const Params& params, ParentLink& link, account::Owner owner, std::string mail);

    SieveDelivered deliver(const SieveDeliver& request, std::string_view content);

    // What `mailadm sieve why` is to know is written when nobody waits for it.
    bool has_reasons() const { return !reasons_.empty(); }
    void keep_reasons();

  private:
    struct Run;  // one message

    using Programs = std::vector<std::shared_ptr<const sieve::Program>>;
    // In the order in which they are to run. What cannot be used is in `trouble`.
    Programs load_programs(std::string& trouble);

    const Params& params_;
    ParentLink& link_;
    account::Owner owner_;
    std::string mail_;  // its location
    std::expected<account::Places, std::string> places_;
    sieve::Settings settings_;
    std::shared_ptr<store::Account> account_;
    std::unique_ptr<scripts::Memory> memory_;  // null where it cannot be opened
    std::unique_ptr<scripts::Memory> why_;
    scripts::ReadyScripts ready_;
    std::vector<std::pair<std::string, std::string>> reasons_;  // for `why`, not yet kept
};

// Where it is kept which rule did what.
std::string why_path(const account::Owner& owner, const std::string& mail);

}  // namespace sieve_delivery
