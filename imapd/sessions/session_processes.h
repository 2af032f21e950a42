// imapd/sessions/session_processes.h - the processes of the users, as their parent knows them: busy, or spare.
//
// A process whose client has left may stay a moment: it has its user's rights and has the user's index open, so the next
// connection of the same user costs no fork. It is the parent alone that says when it ends, by closing its control socket:
// so a process that is given a client is always there to take it.
//
//     parent: fork                                    child: serve the client
//             `spare` notices one octet of the child <----- client has left
//             hand_on(): record and descriptor        ----->  serve the next client
//             or the control socket closes            ----->  exit
//
// Trust       the kernel says which process a notice is from; what it says is one octet and means nothing else. A process
//             only ever gets connections of the user (name, uid, gid, mail) that it was made for.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "lib/event/fd.h"
#include "lib/event/loop.h"
#include "lib/ipc/records/imap_handover.h"
#include "lib/userdb/auth_master.h"

namespace sessions {

// All that a process was made from, as a digest: two of them are equal only for the same user with the same rights. It has
// no piece of the heap, because what stays there while others come and go is what every later child copies.
struct Owner {
    std::array<unsigned char, 32> digest{};
    bool operator==(const Owner&) const = default;
};
Owner make_owner(const userdb::User& user, const std::string& mail);

// The child's ends.
struct ChildSockets {
    event::Fd control;  // its own
    event::Fd notices;  // shared by all
};

class SessionProcesses {
  public:
    SessionProcesses(std::size_t most, std::size_t most_spare, std::chrono::seconds spare_time);

    bool full() const { return processes_.size() >= most_; }
    std::size_t size() const { return processes_.size(); }

    // Before a fork: the sockets of the child to be; nothing when the system has none left.
    std::optional<ChildSockets> prepare();
    // After a successful fork, in the parent.
    void add(pid_t pid, const Owner& owner);
    // It was waited for. False if it was no process of ours.
    bool remove(pid_t pid);

    // Gives the connection to a spare process of this owner; false where there is none that takes it.
    bool hand_on(const Owner& owner, const ipc::records::ImapHandover& handover, int client);

    // Readable when a process has become spare.
    int notices() const { return notices_.get(); }
    void take_notices(event::Clock::time_point now);

    // Lets those go that were spare for long enough, the oldest first where there are too many.
    void dismiss_old(event::Clock::time_point now);
    // No process stays spare from now on.
    void dismiss_all();
    void signal_all(int signal) const;

  private:
    struct Process {
        pid_t pid = 0;
        bool spare = false;
        event::Clock::time_point spare_since;
        event::Fd control;
        Owner owner;
    };
    Process* find(pid_t pid);
    std::size_t spare_count() const;

    std::size_t most_;
    std::size_t most_spare_;
    std::chrono::seconds spare_time_;
    // A vector, reserved: each node of a tree would leave a hole in the heap that every later child copies.
    std::vector<Process> processes_;
    event::Fd notices_, childs_notices_;
    event::Fd next_control_;
};

// What a process that became spare was given next.
struct NextClient {
    ipc::records::ImapHandover handover;
    event::Fd client;
};

// In the child: tells the parent, and waits. Nothing when the process shall end.
std::optional<NextClient> wait_for_next(const ChildSockets& sockets);

}  // namespace sessions
