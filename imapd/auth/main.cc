// NAME
//     auth - passwords and users of the mailbox side
// SYNOPSIS
//     auth [generic master options]
// DESCRIPTION
//     Says whether a password is right, to login(8) and smtpd(8), and who a user is, to the programs that open mailboxes.
//     Speaks Dovecot's auth protocols: the client's on the socket of its row in master.cf, the master's on
//     auth_master_socket.
// SECURITY
//     The only process that reads password data. Runs as secrets_owner; root is not needed where auth_passwd_file belongs to
//     secrets_owner. Talks to programs that talk to strangers, and trusts them with nothing but to carry guesses.
// STANDARDS
//     RFC 4422, RFC 4616
#include <unistd.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <utility>
#include <vector>

#include "imapd/auth/connections.h"
#include "imapd/auth/params.h"
#include "lib/event/endpoint.h"
#include "lib/event/scope.h"
#include "lib/log/log.h"
#include "lib/worker/peers.h"
#include "lib/worker/program.h"

namespace {

constexpr std::chrono::milliseconds kLookEvery{500};

event::Task<void> accept_masters(event::Listener& listener, auth::Services& services, const worker::Peers& peers) {
    for (;;) {
        event::Fd descriptor = co_await listener.accept();
        if (!peers.let_in(descriptor.get(), "auth-master"))
            continue;
        event::Stream stream(services.loop, std::move(descriptor));
        services.loop.spawn(auth::serve_master(std::move(stream), services));
    }
}

// Only root may open it; and in an instance without root the one user there is.
event::Fd listen_for_masters(const std::string& path) {
    ::unlink(path.c_str());
    auto listener = event::listen_at_path(path, 0600);
    if (!listener)
        logging::fatal("auth_master_socket: {}", listener.error());
    return std::move(*listener);
}

// The socket for masters, which has no master(8) to keep it: a process that was told to leave while it was still starting
// may have put its own in place of ours, and taken it along when it went. Then this one leaves, and a fresh one follows.
class MasterSocket {
  public:
    MasterSocket(std::string path, worker::Peers peers, auth::Services& services)
        : path_(std::move(path)), peers_(std::move(peers)), services_(services) {}

    // Before the jail, while the folder may be written to.
    void open() {
        descriptor_ = listen_for_masters(path_);
        name_ = event::Fd(::open(path_.c_str(), O_PATH | O_CLOEXEC));
    }
    void listen() {
        listener_ = std::make_unique<event::Listener>(services_.loop, std::move(descriptor_));
        services_.loop.spawn(accept_masters(*listener_, services_, peers_));
    }
    // Whether the name that it got then is still there. The folder cannot be looked into any more.
    bool is_in_place() const {
        struct stat info {};
        return ::fstat(name_.get(), &info) == 0 && info.st_nlink > 0;
    }

  private:
    std::string path_;
    worker::Peers peers_;
    auth::Services& services_;
    event::Fd descriptor_, name_;
    std::unique_ptr<event::Listener> listener_;
};

event::Task<void> keep_in_place(MasterSocket& socket, worker::Jailed& jail) {
    for (;;) {
        co_await event::sleep_for(jail.loop(), kLookEvery);
        if (!jail.leaving() && !socket.is_in_place()) {
            logging::info("the socket for masters was replaced -- a fresh process takes over");
            jail.leave();
            co_return;
        }
    }
}

void check_mechanisms(const auth::Params& params) {
    for (const std::string& name : params.mechanisms()) {
        if (name != "plain" && name != "login" && name != "PLAIN" && name != "LOGIN")
            logging::warning("auth_mechanisms: {} is not offered here; plain and login are", name);
    }
    if (!auth::is_known_scheme(params.default_scheme()))
        logging::fatal("auth_default_scheme: there is no password scheme {}", params.default_scheme());
}

}  // namespace

int main(int argc, char** argv) {
    auth::Params params;
    worker::Program program(argc, argv, "auth", params);
    check_mechanisms(params);
    auth::Services services(program.loop(), params);
    auto peers = worker::Peers::of("auth-master", params);
    if (!peers)
        logging::fatal("{}", peers.error());
    MasterSocket masters(params.master_socket(), std::move(*peers), services);
    if (!params.master_socket().empty())
        masters.open();

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::confined);

    for (const std::string& problem : services.database.problems())
        logging::warning("{}", problem);
    jail.stay_when_idle();
    if (!params.master_socket().empty()) {
        masters.listen();
        jail.loop().spawn(keep_in_place(masters, jail));
    }
    return jail.serve(
        [&](event::Stream client, worker::Client& seat) { return auth::serve_client(std::move(client), seat, services); });
}
