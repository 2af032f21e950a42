// imapd/sieve/delivery/dispatcher.h - the parent of the users' processes: each message goes to a process of its user.
//
// lmtp-store sends a message; a process of that user that is free takes it, or a new one is forked, or the message waits for
// one. Mail that a script sends comes back here and goes to cleanup, whose socket users may not reach. A process that was
// idle for sieve_spare_process_time ends.
//
// Who a user is it asks auth itself, and takes mail from root alone: no record gives rights.
//
// Rights      root, or in an instance without root its one user. It parses records, and nothing of a message or script.
// Failure     a process that dies or takes too long: code 0, which means that no script was run and lmtp-store delivers
//             to the INBOX itself. Nothing that a script makes happen can so keep a message from being delivered.
#pragma once

#include <list>
#include <map>
#include <memory>

#include "imapd/sessions/session_processes.h"
#include "imapd/sieve/delivery/params.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/sieve.h"
#include "lib/queue/cleanup_client.h"
#include "lib/userdb/auth_master.h"
#include "lib/worker/program.h"
#include "lib/worker/sandbox.h"

namespace sieve_delivery {

class Dispatcher {
  public:
    Dispatcher(const Params& params, worker::Jailed& jail, worker::SeccompFilter filter);

    // A connection of lmtp-store: messages until it closes.
    event::Task<void> serve_store(event::Stream stream, worker::Client& seat);

  private:
    using Deliver = ipc::records::SieveDeliver;
    using Delivered = ipc::records::SieveDelivered;
    struct Link;
    struct Process {
        pid_t pid = 0;
        sessions::Owner owner;
        ipc::Channel channel;
        bool busy = true;
        event::Clock::time_point idle_since;
    };

    struct Recipient {
        userdb::User user;
        std::string mail;  // where it is: a mail_location without ~ and %
    };

    event::Task<std::expected<Recipient, std::string>> find_recipient(std::string name);
    event::Task<void> take(Link& link, Deliver request, event::Fd content);
    event::Task<Process*> process_for(const sessions::Owner& owner, const Recipient& recipient);
    event::Task<std::optional<Delivered>> talk(Process& process, const Deliver& request, event::Fd content);
    event::Task<void> submit(Process& process, ipc::records::SieveSubmit request, event::Fd content, std::string session);
    event::Task<void> end_idle_in_time();
    Process* spawn(const sessions::Owner& owner, const Recipient& recipient);
    [[noreturn]] void run_child(pid_t parent, const Recipient& recipient, event::Fd socket);
    void give_back(Process* process, bool usable);
    void end_idle(event::Clock::time_point before);
    void reap();

    const Params& params_;
    worker::Jailed& jail_;
    worker::SeccompFilter filter_;
    queue::CleanupClient cleanup_;
    std::list<std::unique_ptr<Process>> processes_;
    std::size_t children_ = 0;  // not waited for yet
    event::Notice freed_;
    userdb::AuthMaster users_;
};

}  // namespace sieve_delivery
