// lib/worker/peers.h - which program runs as whom, in which jail, and who may ask it: the one table.
//
// master makes the jails by it, every worker takes its identity and judges its clients by it, and test/lint holds the table
// in malleposte-security(7) against it. The kernel says who a client is (SO_PEERCRED).
//
// Failure     Peers::of() and owner_id() give a reason where a user that a parameter names does not exist.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/common_params.h"

namespace worker {

enum class Identity {
    network,  // talks to strangers: network_owner
    queue,    // writes the queue: mail_owner
    secrets,  // holds passwords and private keys: secrets_owner
    root,     // becomes users
};

struct ProgramRow {
    std::string_view name;      // the command in master.cf; or of a socket that a program opens itself
    Identity identity;          // where the row of master.cf says unprivileged
    bool jailed;                // its root is jail/NAME, with the sockets that it may ask and no other
    std::string_view asked_by;  // who may connect to its socket; "*": whoever may enter the folder; "": root alone
};

inline constexpr std::string_view kJails = "jail";  // below queue_directory

inline constexpr ProgramRow kPrograms[] = {
    {"smtpd", Identity::network, true, ""},
    {"login", Identity::network, true, ""},
    {"lmtpd", Identity::network, true, "lmtp"},
    {"lmtp", Identity::network, true, "qmgr"},
    {"smtp", Identity::network, true, "qmgr"},
    {"dmarc-report", Identity::queue, false, "smtpd"},
    {"cleanup", Identity::queue, false, "smtpd pickup bounce dmarc-report sieve-delivery"},
    {"pickup", Identity::queue, false, "*"},
    {"qmgr", Identity::queue, false, "*"},
    {"showq", Identity::queue, false, "*"},
    {"bounce", Identity::queue, false, "qmgr pickup"},
    {"error", Identity::queue, true, "qmgr"},
    {"discard", Identity::queue, true, "qmgr"},
    {"signer", Identity::secrets, true, "cleanup"},
    {"auth", Identity::secrets, false, "smtpd login"},
    {"auth-master", Identity::secrets, false, "imapd managesieved lmtp-store sieve-delivery"},
    {"local", Identity::root, false, "qmgr"},
    {"virtual", Identity::root, false, "qmgr"},
    {"imapd", Identity::root, false, "login"},
    {"managesieved", Identity::root, false, "login"},
    {"lmtp-store", Identity::root, false, "lmtpd"},
    {"sieve-delivery", Identity::root, false, "lmtp-store"},
};

// None for a program that is not of this suite.
const ProgramRow* find_program(std::string_view name);
bool may_ask(std::string_view program, const ProgramRow& asked);

// The parameter's user that an identity means.
const config::Param<std::string>& owner_of(const config::HostParams& params, Identity identity);

struct Owner {
    uid_t user = 0;
    gid_t group = 0;
};
std::expected<Owner, std::string> find_owner(const config::HostParams& params, Identity identity);

// Who may connect to one program's socket. A program that is not in the table is asked by the queue's side.
class Peers {
  public:
    // Looks users up, so before the jail. In an instance without root everybody is the same user, and is let in.
    static std::expected<Peers, std::string> of(std::string_view program, const config::HostParams& params);

    bool allow(uid_t user) const;
    // Whether the client at the other end may be there; who may not is logged, with the name of the socket.
    bool let_in(int descriptor, std::string_view socket) const;

  private:
    bool anybody_ = false;
    std::vector<uid_t> users_;
};

}  // namespace worker
