#include "imapd/sessions/spawner.h"

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "imapd/account/identity.h"
#include "imapd/account/mail_location.h"
#include "imapd/sessions/user_process.h"
#include "lib/event/child_process.h"
#include "lib/event/scope.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"

namespace sessions {
namespace {

using ipc::records::ImapHandover;
using ipc::records::ImapHandoverReply;

constexpr std::size_t kMaxHandover = 1024 * 1024;
constexpr std::chrono::seconds kDismissEvery{1};

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

bool SessionProcess::next() {
    std::optional<NextClient> next = wait_for_next(sockets_);
    if (next)
        current_ = std::move(*next);
    return next.has_value();
}

Spawner::Spawner(Settings settings, worker::Jailed& jail, worker::SeccompFilter filter, Serve serve)
    : settings_(std::move(settings)),
      jail_(jail),
      filter_(std::move(filter)),
      serve_(std::move(serve)),
      auth_(jail.loop(), settings_.auth_master, "session"),
      processes_(settings_.process_limit, settings_.spare_process_limit, settings_.spare_process_time) {
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
    std::expected<userdb::User, std::string> user = co_await auth_.find_login(
        handover.client_pid, handover.auth_request, handover.auth_cookie);
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

// Empty if a session process has the client; otherwise words for the client.
std::string Spawner::seat(const Handover& handover, const userdb::User& user, event::Fd client) {
    constexpr const char* kTrouble = "Your mail cannot be opened now, try again later";
    if (std::string refused = account::refused_identity(user.uid, user.gid, settings_.first_valid_uid); !refused.empty()) {
        logging::error("{}: {}: no session", user.name, refused);
        return kTrouble;
    }
    auto mail = account::mail_of(user.mail.empty() ? settings_.mail_location : user.mail, user.name, user.home);
    if (!mail) {
        logging::error("{}: {}", user.name, mail.error());
        return kTrouble;
    }
    if (processes_.hand_on(make_owner(user, *mail), handover, client.get()))
        return "";
    if (processes_.full()) {
        logging::warning(
            "{}: {} sessions are open, {} is refused", settings_.process_limit_name, processes_.size(), user.name);
        return "Too many sessions, try again later";
    }
    return spawn(handover, user, *mail, std::move(client)) ? "" : kTrouble;
}

bool Spawner::spawn(const Handover& handover, const userdb::User& user, const std::string& mail, event::Fd client) {
    // Free pieces that are joined here need not be joined, and so copied, in every child.
    malloc_trim(0);
    std::optional<ChildSockets> sockets = processes_.prepare();
    const pid_t parent = getpid();
    pid_t child = sockets ? fork() : -1;
    if (child == 0)
        run_child(parent, handover, user, mail, std::move(client), std::move(*sockets));
    if (child < 0) {
        logging::error("{}: cannot start a session process: {}", user.name, strerror(errno));
        return false;
    }
    processes_.add(child, make_owner(user, mail));
    jail_.hold();
    return true;
}

void Spawner::run_child(pid_t parent, Handover handover, const userdb::User& user, const std::string& mail, event::Fd client,
    ChildSockets sockets) {
    begin_user_process(parent, {client.get(), sockets.control.get(), sockets.notices.get()}, user, filter_);
    SessionProcess process(user, mail, NextClient{std::move(handover), std::move(client)}, std::move(sockets));
    serve_(process);
    _exit(0);
}

}  // namespace sessions
