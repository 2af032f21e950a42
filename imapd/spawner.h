// imapd/spawner.h - makes a process for each connection that login hands over.
//
// One Spawner serves all login processes. Each handover: ask auth, fork, and the child becomes the user; or a process that
// the same user has just left takes it (session_processes.h). The parent keeps root and nothing of the client: it closes the
// descriptor and answers login.
//
// Rights      root (or, in an instance without root, its one user). It parses records of login and lines of
//             auth, never what a client said: `input` goes to the child unread.
// Failure     a user without a uid, or with uid 0, is refused; so is everybody beyond imap_process_limit.
#pragma once

#include <string>
#include <vector>

#include "imapd/auth_master.h"
#include "imapd/params.h"
#include "imapd/session.h"
#include "imapd/session_processes.h"
#include "lib/event/fd.h"
#include "lib/ipc/records/imap_handover.h"
#include "lib/worker/program.h"
#include "lib/worker/sandbox.h"

namespace imapd {

class Spawner {
public:
    Spawner(const Params& params, worker::Jailed& jail, worker::SeccompFilter filter);

    /// A login process: handovers until it closes.
    event::Task<void> serve_login(event::Stream stream, worker::Client& seat);

private:
    using Handover = ipc::records::ImapHandover;
    struct Login;  // the connection to one login process

    event::Task<void> take_handover(Login& login, Handover handover, event::Fd client);
    event::Task<void> write_replies(Login& login);
    event::Task<void> watch_notices();
    event::Task<void> dismiss_in_time();
    std::string seat(const Handover& handover, const UserRecord& user, event::Fd client);
    bool spawn(const Handover& handover, const UserRecord& user, const std::string& root, event::Fd client);
    [[noreturn]] void run_child(pid_t parent, Handover handover, const UserRecord& user, const std::string& root, event::Fd client,
                                ChildSockets sockets);
    bool serve(const Handover& handover, event::Fd client, const store::Result<std::shared_ptr<store::Account>>& account);
    void reap();

    const Params& params_;
    worker::Jailed& jail_;
    worker::SeccompFilter filter_;
    AuthMaster auth_;
    SessionSettings settings_;
    SessionProcesses processes_;
};

}  // namespace imapd
