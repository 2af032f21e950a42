#include "imapd/login/pre_login.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "imapd/login/relay.h"
#include "lib/log/log.h"

namespace login {

using event::Task;

PreLogin::PreLogin(event::Stream stream, worker::Client& seat, Services& services, std::string service)
    : stream_(std::move(stream)),
      seat_(seat),
      services_(services),
      params_(services.params),
      remote_(event::peer_address(stream_.descriptor())),
      local_(event::local_address(stream_.descriptor())),
      service_(std::move(service)) {}

PreLogin::~PreLogin() { count_out(); }

void PreLogin::count_out() {
    if (!std::exchange(counted_, false))
        return;
    auto found = services_.waiting_by_address.find(remote_.host());
    if (found != services_.waiting_by_address.end() && --found->second == 0)
        services_.waiting_by_address.erase(found);
}

bool PreLogin::admit() {
    if (remote_.is_loopback())
        return true;
    counted_ = true;
    return ++services_.waiting_by_address[remote_.host()] <= params_.address_limit();
}

bool PreLogin::may_use_plaintext() const {
    return stream_.is_tls() || remote_.is_loopback() || !params_.disable_plaintext_auth();
}

bool PreLogin::offers(std::string_view mechanism) const {
    return std::find(mechanisms_.begin(), mechanisms_.end(), mechanism) != mechanisms_.end();
}

sasl::ClientInfo PreLogin::client_info() const {
    sasl::ClientInfo info;
    info.service = service_;
    info.local_address = local_.host();
    info.local_port = local_.port();
    info.remote_address = remote_.host();
    info.remote_port = remote_.port();
    info.secured = stream_.is_tls() || remote_.is_loopback();
    return info;
}

Task<void> PreLogin::prepare() {
    if (params_.tls_wrappermode())
        co_await stream_.start_tls_server(*services_.tls);
    std::vector<sasl::Mechanism> mechanisms = co_await services_.auth.mechanisms();
    mechanisms_.clear();
    for (const sasl::Mechanism& mechanism : mechanisms)
        if (!mechanism.is_private)
            mechanisms_.push_back(mechanism.name);
    if (mechanisms.empty())
        logging::warning("no login is possible: {}", services_.auth.trouble());
}

Task<sasl::Step> PreLogin::run_mechanism(std::string mechanism, std::optional<std::string> initial) {
    method_ = mechanism;
    user_.clear();
    sasl::Step step = co_await services_.auth.begin(client_info(), mechanism, std::move(initial));
    while (step.kind == sasl::Step::Kind::more) {
        std::uint32_t id = step.id;
        write_challenge(step.text);
        std::optional<std::string> response = co_await read_response();
        if (!response) {
            services_.auth.abandon(id);
            co_return step;
        }
        step = co_await services_.auth.respond(id, std::move(*response));
    }
    user_ = step.user;
    co_return step;
}

void PreLogin::log_failure(const sasl::Step& step) {
    if (step.kind == sasl::Step::Kind::trouble) {
        logging::warning("auth: {}", step.text);
        return;
    }
    logging::info("login failed: user=<{}>, method={}, rip={}, lip={}{}", user_, method_, remote_.host(), local_.host(),
        stream_.is_tls() ? ", TLS" : "");
    ++failures_;
}

Task<std::string> PreLogin::hand_over(std::string tag, std::uint32_t request_id, Handing handing) {
    ipc::records::ImapHandover handover;
    handover.client_pid = services_.auth.client_pid();
    handover.auth_request = request_id;
    handover.auth_cookie = services_.auth.cookie();
    handover.user_name = user_;
    handover.remote_address = remote_.host();
    handover.remote_port = remote_.port();
    handover.local_address = local_.host();
    handover.local_port = local_.port();
    handover.tls = stream_.is_tls();
    handover.tag = tag;
    co_await stream_.flush();
    // What the client has sent behind its login belongs to the session.
    handover.input = std::string(stream_.buffered());
    std::string reason;
    if (stream_.is_tls() || handing == Handing::relayed)
        co_await hand_over_relayed(std::move(handover), reason);
    else
        co_await hand_over_direct(std::move(handover), reason);
    if (reason.empty() && !given_back_)
        state_ = State::handed_over;
    if (!reason.empty())
        logging::warning("user=<{}>, rip={}: no session: {}", user_, remote_.host(), reason);
    co_return reason;
}

// In clear: the session gets the connection itself, and we forget it.
Task<void> PreLogin::hand_over_direct(ipc::records::ImapHandover handover, std::string& reason) {
    // From here on our stream must not read: what it took would be lost for the session.
    event::Fd kept = stream_.release();
    event::Fd passed(::dup(kept.get()));
    if (passed)
        reason = co_await services_.sessions.hand_over(std::move(handover), std::move(passed));
    else
        reason = "No descriptors left, try again later";
    if (!reason.empty())
        stream_ = event::Stream(services_.loop, std::move(kept));
}

// Under TLS: the session gets one end of a pair, and we move octets.
Task<void> PreLogin::hand_over_relayed(ipc::records::ImapHandover handover, std::string& reason) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        reason = "No descriptors left, try again later";
        co_return;
    }
    event::Fd passed(ends[0]);
    event::Stream session(services_.loop, event::Fd(ends[1]));
    stream_.consume(handover.input.size());
    reason = co_await services_.sessions.hand_over(std::move(handover), std::move(passed));
    if (!reason.empty())
        co_return;
    count_out();
    state_ = State::handed_over;
    // The session hears of a stop too, and says goodbye through us: we end when it does.
    seat_.set(worker::Client::State::busy);
    bool session_ended = co_await relay(stream_, session, params_.relay_timeout());
    // A session that ended has closed both directions; one that gives the client back only its own.
    pollfd other{session.descriptor(), POLLOUT, 0};
    given_back_ = session_ended && ::poll(&other, 1, 0) == 1 && (other.revents & (POLLHUP | POLLERR)) == 0;
    if (given_back_)
        state_ = State::talking;
}

// What a client is told whose connection we end. It may have stopped reading; nobody waits for it.
void PreLogin::say_last_words(const event::StreamError& error) {
    if (state_ == State::handed_over || !stream_)
        return;
    using Kind = event::StreamError::Kind;
    if (error.kind() == Kind::too_long)
        bye("Command too long.");
    else if (error.kind() == Kind::timeout)
        bye("You took too long to log in.");
    else if (error.kind() == Kind::cancelled)
        bye("The server is going down.");
    else
        return;
    stream_.push();
}

void PreLogin::log_end(std::string_view why) const {
    if (state_ == State::handed_over)
        return;
    if (failures_ > 0)
        logging::info("disconnected (auth failed, {} attempts): user=<{}>, method={}, rip={}, lip={}{}", failures_, user_,
            method_, remote_.host(), local_.host(), why);
    else
        logging::info("disconnected (no login): rip={}, lip={}{}", remote_.host(), local_.host(), why);
}

Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services) {
    std::unique_ptr<PreLogin> session = make_session(std::move(stream), seat, services);
    std::string why;
    try {
        co_await session->converse();
    } catch (const event::StreamError& error) {
        why = fmt::format(", {}", error.what());
        session->say_last_words(error);
    }
    session->log_end(why);
}

}  // namespace login
