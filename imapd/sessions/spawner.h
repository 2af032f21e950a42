// imapd/sessions/spawner.h - makes a process for each connection that login hands over, for imapd and managesieved.
//
// One Spawner serves all login processes. Each handover: ask auth, fork, and the child becomes the user; or a process that
// the same user has just left takes it (session_processes.h). The parent keeps root and nothing of the client: it closes the
// descriptor and answers login.
//
// Rights      root (or, in an instance without root, its one user). It parses records of login and lines of
//             auth, never what a client said: `input` goes to the child unread.
// Failure     a user without a uid, or with uid 0, is refused; so is everybody beyond imap_process_limit.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "imapd/sessions/session_processes.h"
#include "lib/event/fd.h"
#include "lib/ipc/records/imap_handover.h"
#include "lib/userdb/auth_master.h"
#include "lib/worker/program.h"
#include "lib/worker/sandbox.h"

namespace sessions {

// What a session process has to do with: its user, and one client after the other.
class SessionProcess {
  public:
    SessionProcess(userdb::User user, std::string mail, NextClient first, ChildSockets sockets)
        : user_(std::move(user)), mail_(std::move(mail)), current_(std::move(first)), sockets_(std::move(sockets)) {}

    const userdb::User& user() const { return user_; }
    const std::string& mail() const { return mail_; }
    const ipc::records::ImapHandover& handover() const { return current_.handover; }
    event::Fd take_client() { return std::move(current_.client); }
    // Waits for the user's next client; false when the process shall end.
    bool next();

  private:
    userdb::User user_;
    std::string mail_;  // its location
    NextClient current_;
    ChildSockets sockets_;
};

class Spawner {
  public:
    struct Settings {
        std::size_t process_limit = 10000;
        std::size_t spare_process_limit = 100;
        std::chrono::seconds spare_process_time{30};
        std::string process_limit_name;  // of the parameter, for the log
        std::string auth_master;
        std::string mail_location;
        int first_valid_uid = 1;
    };
    // Runs in the process, as the user; the process ends when it returns.
    using Serve = std::function<void(SessionProcess& process)>;

    Spawner(Settings settings, worker::Jailed& jail, worker::SeccompFilter filter, Serve serve);

    // A login process: handovers until it closes.
    event::Task<void> serve_login(event::Stream stream, worker::Client& seat);

  private:
    using Handover = ipc::records::ImapHandover;
    struct Login;  // the connection to one login process

    event::Task<void> take_handover(Login& login, Handover handover, event::Fd client);
    event::Task<void> write_replies(Login& login);
    event::Task<void> watch_notices();
    event::Task<void> dismiss_in_time();
    std::string seat(const Handover& handover, const userdb::User& user, event::Fd client);
    bool spawn(const Handover& handover, const userdb::User& user, const std::string& mail, event::Fd client);
    [[noreturn]] void run_child(pid_t parent, Handover handover, const userdb::User& user, const std::string& mail,
        event::Fd client, ChildSockets sockets);
    void reap();

    Settings settings_;
    worker::Jailed& jail_;
    worker::SeccompFilter filter_;
    Serve serve_;
    userdb::AuthMaster auth_;
    SessionProcesses processes_;
};

}  // namespace sessions
