#include "imapd/spawner.h"

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "imapd/mail_location.h"
#include "imapd/user_process.h"
#include "lib/event/child_process.h"
#include "lib/event/scope.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"

namespace imapd {
namespace {

using ipc::records::ImapHandover;
using ipc::records::ImapHandoverReply;

constexpr std::size_t kMaxHandover = 1024 * 1024;
constexpr std::chrono::seconds kDismissEvery{1};

SessionSettings session_settings(const Params& params) {
    SessionSettings settings;
    settings.max_command = static_cast<std::size_t>(params.max_command());
    settings.max_message = static_cast<std::uint64_t>(params.max_message());
    settings.idle_notify_interval = params.idle_notify_interval();
    settings.idle_poll_interval = params.idle_poll_interval();
    settings.special_use = params.special_uses();
    return settings;
}

}  // namespace

struct Spawner::Login {
    Login(event::Loop& loop, event::Stream stream, worker::Client& client)
        : channel(std::move(stream)), replies(loop), scope(loop), seat(client) {}
    ipc::Channel channel;
    event::Queue<ImapHandoverReply> replies;
    event::Scope scope;
    worker::Client& seat;
    int outstanding = 0;
};

Spawner::Spawner(const Params& params, worker::Jailed& jail, worker::SeccompFilter filter)
    : params_(params), jail_(jail), filter_(std::move(filter)), auth_(jail.loop(), params.auth_master()),
      settings_(session_settings(params)),
      processes_(static_cast<std::size_t>(params.process_limit()), static_cast<std::size_t>(params.spare_process_limit()),
                 params.spare_process_time()) {
    jail_.loop().on_signal(SIGCHLD, [this] { reap(); });
    jail_.on_leave([this] { processes_.dismiss_all(); });
    jail_.on_stop([this] {
        processes_.dismiss_all();
        processes_.signal_all(SIGTERM);
    });
    jail_.loop().spawn(watch_notices());
    jail_.loop().spawn(dismiss_in_time());
}

event::Task<void> Spawner::watch_notices() {
    for (;;) {
        co_await event::wait_readable(jail_.loop(), processes_.notices());
        processes_.take_notices(event::Clock::now());
    }
}

event::Task<void> Spawner::dismiss_in_time() {
    for (;;) {
        co_await event::sleep_for(jail_.loop(), kDismissEvery);
        processes_.dismiss_old(event::Clock::now());
    }
}

void Spawner::reap() {
    int status = 0;
    for (pid_t child = waitpid(-1, &status, WNOHANG); child > 0; child = waitpid(-1, &status, WNOHANG)) {
        if (!processes_.remove(child))
            continue;
        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
            logging::error("session process {} was killed by signal {}", child, WTERMSIG(status));
        jail_.release();
    }
}

event::Task<void> Spawner::serve_login(event::Stream stream, worker::Client& seat) {
    Login login(jail_.loop(), std::move(stream), seat);
    login.scope.spawn(write_replies(login));
    std::string broken;
    seat.set(worker::Client::State::between_requests);
    try {
        for (;;) {
            std::optional<std::string_view> frame = co_await login.channel.next_frame(kMaxHandover);
            if (!frame)
                break;
            seat.set(worker::Client::State::busy);
            auto handover = ipc::decode<ImapHandover>(*frame);
            event::Fd client = login.channel.stream().take_fd();
            if (!handover || !client) {
                broken = handover ? "a handover without a descriptor" : handover.error();
                break;
            }
            ++login.outstanding;
            login.scope.spawn(take_handover(login, std::move(*handover), std::move(client)));
        }
    } catch (const event::StreamError& error) {
        if (error.kind() != event::StreamError::Kind::cancelled)
            broken = error.what();
    }
    if (!broken.empty())
        logging::warning("login: {}", broken);
    login.replies.close();
    co_await login.scope.close();
}

event::Task<void> Spawner::write_replies(Login& login) {
    try {
        for (;;) {
            std::optional<ImapHandoverReply> reply = co_await login.replies.pop();
            if (!reply)
                break;
            login.channel.write(*reply);
            co_await login.channel.stream().flush();
        }
    } catch (const event::StreamError&) {
        // The reader of the same connection tells.
    }
}

event::Task<void> Spawner::take_handover(Login& login, Handover handover, event::Fd client) {
    ImapHandoverReply reply;
    reply.request_id = handover.request_id;
    AuthMaster::Answer user =
        co_await auth_.lookup(handover.client_pid, handover.auth_request, handover.auth_cookie);
    if (!user) {
        logging::warning("{}: {}", handover.user_name, user.error());
        reply.reason = "The user database cannot be asked now, try again later";
    } else {
        reply.reason = seat(handover, *user, std::move(client));
    }
    reply.accepted = reply.reason.empty();
    login.replies.push(std::move(reply));
    if (--login.outstanding == 0)
        login.seat.set(worker::Client::State::between_requests);
}

/// Empty if a session process has the client; otherwise words for the client.
std::string Spawner::seat(const Handover& handover, const UserRecord& user, event::Fd client) {
    constexpr const char* kTrouble = "Your mail cannot be opened now, try again later";
    if (geteuid() == 0 && (!user.uid || !user.gid || *user.uid == 0)) {
        logging::error("{}: the user database gives no uid and gid, or those of root: no session", user.name);
        return kTrouble;
    }
    auto root = mail_root(user.mail.empty() ? params_.mail_location() : user.mail, user.name, user.home);
    if (!root) {
        logging::error("{}: {}", user.name, root.error());
        return kTrouble;
    }
    if (processes_.hand_on(make_owner(user, *root), handover, client.get()))
        return "";
    if (processes_.full()) {
        logging::warning("imap_process_limit: {} sessions are open, {} is refused", processes_.size(), user.name);
        return "Too many sessions, try again later";
    }
    return spawn(handover, user, *root, std::move(client)) ? "" : kTrouble;
}

bool Spawner::spawn(const Handover& handover, const UserRecord& user, const std::string& root, event::Fd client) {
    // Free pieces that are joined here need not be joined, and so copied, in every child.
    malloc_trim(0);
    std::optional<ChildSockets> sockets = processes_.prepare();
    const pid_t parent = getpid();
    pid_t child = sockets ? fork() : -1;
    if (child == 0)
        run_child(parent, handover, user, root, std::move(client), std::move(*sockets));
    if (child < 0) {
        logging::error("{}: cannot start a session process: {}", user.name, strerror(errno));
        return false;
    }
    processes_.add(child, make_owner(user, root));
    jail_.hold();
    return true;
}

void Spawner::run_child(pid_t parent, Handover handover, const UserRecord& user, const std::string& root, event::Fd client,
                        ChildSockets sockets) {
    begin_user_process(parent, {client.get(), sockets.control.get(), sockets.notices.get()}, user, filter_);
    settings_.user = user.name;
    auto account = store::open_account({root, params_.hierarchy_separator().front()});
    while (serve(handover, std::move(client), account)) {
        std::optional<NextClient> next = wait_for_next(sockets);
        if (!next)
            break;
        handover = std::move(next->handover);
        client = std::move(next->client);
    }
    _exit(0);
}

/// One client from its first answer to its end. False if another had better get a fresh process.
bool Spawner::serve(const Handover& handover, event::Fd client,
                    const store::Result<std::shared_ptr<store::Account>>& account) {
    Wire wire(std::move(client), handover.input, params_.autologout(), params_.write_timeout());
    if (account) {
        logging::info("login: user=<{}>, rip={}, lip={}{}", settings_.user, handover.remote_address,
                      handover.local_address, handover.tls ? ", TLS" : "");
        Session session(wire, *account, settings_);
        session.run(handover.tag);
        logging::info("logout: user=<{}> in={} out={}", settings_.user, wire.octets_in(), wire.octets_out());
        return true;
    }
    logging::error("{}: {}", settings_.user, account.error().text);
    try {
        wire.write(fmt::format("{} NO [UNAVAILABLE] Your mail cannot be opened now, try again later\r\n"
                               "* BYE Disconnected\r\n", handover.tag));
        wire.flush();
    } catch (const Disconnected&) {
        return false;  // it does not want to hear it
    }
    return false;
}

}  // namespace imapd
