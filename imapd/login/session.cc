#include "imapd/login/session.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "imapd/login/relay.h"
#include "lib/imap/capability.h"
#include "lib/imap/format.h"
#include "lib/log/log.h"
#include "lib/text/text.h"

namespace login {

using event::Task;

namespace {

constexpr auto kWriteTimeout = std::chrono::seconds(60);
constexpr const char* kFailed = "NO [AUTHENTICATIONFAILED] Authentication failed.";
constexpr const char* kTrouble = "NO [UNAVAILABLE] Authentication is not possible now, try again later.";

}  // namespace

Session::Session(event::Stream stream, worker::Client& seat, Services& services)
    : stream_(std::move(stream)), seat_(seat), services_(services), params_(services.params),
      remote_(event::peer_address(stream_.descriptor())), local_(event::local_address(stream_.descriptor())) {}

Session::~Session() {
    if (!counted_)
        return;
    auto found = services_.waiting_by_address.find(remote_.host());
    if (found != services_.waiting_by_address.end() && --found->second == 0)
        services_.waiting_by_address.erase(found);
}

void Session::reply(std::string_view tag, std::string_view text) { stream_.write(fmt::format("{} {}\r\n", tag, text)); }

void Session::bye(std::string_view text) {
    reply("*", fmt::format("BYE {}", text));
    state_ = State::closing;
}

bool Session::may_use_plaintext() const {
    return stream_.is_tls() || remote_.is_loopback() || !params_.disable_plaintext_auth();
}

// RFC 3501, 6.2.3 and RFC 5530: the client must not even try.
bool Session::refuse_plaintext(const std::string& tag) {
    if (may_use_plaintext())
        return false;
    reply(tag, "NO [PRIVACYREQUIRED] Passwords are not taken in clear; start TLS first.");
    return true;
}

std::string Session::capabilities() const {
    std::string all = fmt::format("{} SASL-IR", imap::kCapabilities);
    if (services_.tls && !stream_.is_tls())
        all += " STARTTLS";
    if (!may_use_plaintext())
        all += " LOGINDISABLED";
    else
        all += offered_;
    return all;
}

sasl::ClientInfo Session::client_info() const {
    sasl::ClientInfo info;
    info.service = "imap";
    info.local_address = local_.host();
    info.local_port = local_.port();
    info.remote_address = remote_.host();
    info.remote_port = remote_.port();
    info.secured = stream_.is_tls() || remote_.is_loopback();
    return info;
}

Task<void> Session::greet() {
    if (params_.tls_wrappermode())
        co_await stream_.start_tls_server(*services_.tls);
    std::vector<sasl::Mechanism> mechanisms = co_await services_.auth.mechanisms();
    for (const sasl::Mechanism& mechanism : mechanisms) {
        if (!mechanism.is_private)
            offered_ += " AUTH=" + mechanism.name;
    }
    if (mechanisms.empty())
        logging::warning("no login is possible: {}", services_.auth.trouble());
    reply("*", fmt::format("OK [CAPABILITY {}] {}", capabilities(), params_.greeting()));
}

Task<void> Session::converse() {
    stream_.set_timeout(kWriteTimeout);
    stream_.set_deadline(event::Clock::now() + params_.timeout());
    if (!remote_.is_loopback()) {
        counted_ = true;
        if (++services_.waiting_by_address[remote_.host()] > params_.address_limit()) {
            bye("Too many connections from your address.");
            co_await stream_.flush();
            co_return;
        }
    }
    co_await greet();
    while (state_ == State::talking) {
        seat_.set(worker::Client::State::between_commands);
        stream_.set_timeout(params_.timeout());
        ReadCommand command = co_await read_command(stream_);
        seat_.set(worker::Client::State::busy);
        if (command.kind == ReadCommand::Kind::end)
            co_return;
        if (command.kind == ReadCommand::Kind::too_large) {
            bye("Literal too large.");
        } else if (command.kind == ReadCommand::Kind::refused) {
            auto split = imap::split_command(command.text);
            reply(split ? split->tag : split.error().tag, "NO [TOOBIG] Literal too large.");
        } else {
            co_await execute(std::move(command.text));
        }
        if (++commands_ >= params_.command_limit() && state_ == State::talking)
            bye("Too many commands without a login.");
    }
    if (state_ == State::closing)
        co_await stream_.flush();
}

Task<void> Session::execute(std::string text) {
    auto command = imap::split_command(text);
    if (!command) {
        reply(command.error().tag, "BAD " + imap::human_text(command.error().reason));
        co_return;
    }
    const std::string& tag = command->tag;
    const std::string& name = command->name;
    std::string args(command->args);
    if (name == "STARTTLS") {
        co_await start_tls(tag, command->has_args);
    } else if (name == "LOGIN") {
        co_await login(tag, std::move(args));
    } else if (name == "AUTHENTICATE") {
        co_await authenticate(tag, std::move(args));
    } else if (name == "ID" && command->has_args) {
        reply("*", fmt::format("ID (\"name\" \"{}\")", params_.mail_name()));
        reply(tag, "OK ID completed.");
    } else if (command->has_args) {
        reply(tag, "BAD Unknown command, or one that takes no arguments.");
    } else if (name == "CAPABILITY") {
        reply("*", "CAPABILITY " + capabilities());
        reply(tag, "OK Capability completed.");
    } else if (name == "NOOP") {
        reply(tag, "OK NOOP completed.");
    } else if (name == "LOGOUT") {
        bye("Logging out.");
        reply(tag, "OK Logout completed.");
    } else {
        reply(tag, "BAD Unknown command before login.");
    }
}

// RFC 3501, 6.2.1. The stream throws away what was sent behind the command in clear.
Task<void> Session::start_tls(std::string tag, bool has_args) {
    if (has_args || stream_.is_tls() || !services_.tls) {
        reply(tag, stream_.is_tls() ? "BAD TLS is on already." : "BAD TLS cannot be started.");
        co_return;
    }
    reply(tag, "OK Begin TLS negotiation now.");
    co_await stream_.flush();
    co_await stream_.start_tls_server(*services_.tls);
}

Task<void> Session::login(std::string tag, std::string args) {
    if (refuse_plaintext(tag))
        co_return;
    std::string wrong;
    std::string message(1, '\0');
    try {
        imap::Cursor cursor(args);
        user_ = cursor.astring();
        cursor.space();
        std::string password = cursor.astring();
        cursor.end();
        message += user_ + '\0' + password;
    } catch (const imap::SyntaxError& error) {
        wrong = error.what();
    }
    if (!wrong.empty()) {
        reply(tag, "BAD " + imap::human_text(wrong));
        co_return;
    }
    method_ = "LOGIN";
    std::optional<std::string> initial(std::move(message));
    sasl::Step step = co_await services_.auth.begin(client_info(), "PLAIN", std::move(initial));
    if (step.kind == sasl::Step::Kind::ok)
        co_await hand_over(std::move(tag), step.id);
    else
        finish_attempt(tag, step);
}

// AUTHENTICATE mechanism [initial response]
Task<void> Session::authenticate(std::string tag, std::string args) {
    std::vector<std::string_view> words = text::split(args, " ");
    if (words.empty() || words.size() > 2) {
        reply(tag, "BAD AUTHENTICATE wants a mechanism, and at most an initial response.");
        co_return;
    }
    std::string mechanism = text::upper(words[0]);
    // Every mechanism that is offered shows the password to whoever listens.
    if (refuse_plaintext(tag))
        co_return;
    if ((" " + offered_ + " ").find(" AUTH=" + mechanism + " ") == std::string::npos) {
        reply(tag, "NO [CANNOT] Unsupported authentication mechanism.");
        co_return;
    }
    std::optional<std::string> initial;
    if (words.size() == 2) {
        // RFC 4959: "=" is an initial response of nothing.
        initial = words[1] == "=" ? std::optional<std::string>(std::in_place) : text::decode_base64(words[1]);
        if (!initial) {
            reply(tag, "BAD The initial response is not base64.");
            co_return;
        }
    }
    method_ = mechanism;
    co_await run_mechanism(std::move(tag), std::move(mechanism), std::move(initial));
}

// The client's answer to a challenge; nothing when it cancels or sends what is no base64.
Task<std::optional<std::string>> Session::read_response(std::string challenge) {
    reply("+", text::encode_base64(challenge));
    std::optional<std::string> response;
    std::optional<event::Line> line = co_await stream_.read_line(kMaxCommand);
    if (!line) {
        state_ = State::closing;
        co_return response;
    }
    if (line->text != "*")
        response = text::decode_base64(line->text);
    co_return response;
}

Task<void> Session::run_mechanism(std::string tag, std::string mechanism, std::optional<std::string> initial) {
    sasl::Step step = co_await services_.auth.begin(client_info(), mechanism, std::move(initial));
    while (step.kind == sasl::Step::Kind::more) {
        std::uint32_t id = step.id;
        std::optional<std::string> response = co_await read_response(std::move(step.text));
        if (!response) {
            services_.auth.abandon(id);
            if (state_ == State::talking)
                reply(tag, "BAD Authentication was cancelled.");
            co_return;
        }
        step = co_await services_.auth.respond(id, std::move(*response));
    }
    if (step.kind == sasl::Step::Kind::ok) {
        user_ = step.user;
        co_await hand_over(std::move(tag), step.id);
        co_return;
    }
    finish_attempt(tag, step);
}

// A login that did not succeed.
void Session::finish_attempt(const std::string& tag, const sasl::Step& step) {
    if (step.kind == sasl::Step::Kind::trouble) {
        logging::warning("auth: {}", step.text);
        reply(tag, kTrouble);
        return;
    }
    logging::info("login failed: user=<{}>, method={}, rip={}, lip={}{}", user_, method_, remote_.host(), local_.host(),
                  stream_.is_tls() ? ", TLS" : "");
    reply(tag, kFailed);
    if (++failures_ >= params_.attempt_limit())
        bye("Too many failed logins.");
}

Task<void> Session::hand_over(std::string tag, std::uint32_t request_id) {
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
    if (stream_.is_tls())
        co_await hand_over_relayed(std::move(handover), reason);
    else
        co_await hand_over_direct(std::move(handover), reason);
    if (reason.empty()) {
        state_ = State::handed_over;
        co_return;
    }
    logging::warning("user=<{}>, rip={}: no session: {}", user_, remote_.host(), reason);
    reply(tag, fmt::format("NO [UNAVAILABLE] {}", imap::human_text(reason)));
    bye("No session.");
}

// In clear: the session gets the connection itself, and we forget it.
Task<void> Session::hand_over_direct(ipc::records::ImapHandover handover, std::string& reason) {
    // From here on our stream must not read: what it took would be lost for the session.
    event::Fd kept = stream_.release();
    event::Fd passed(::dup(kept.get()));
    if (passed)
        reason = co_await services_.imap.hand_over(std::move(handover), std::move(passed));
    else
        reason = "No descriptors left, try again later";
    if (!reason.empty())
        stream_ = event::Stream(services_.loop, std::move(kept));
}

// Under TLS: the session gets one end of a pair, and we move octets.
Task<void> Session::hand_over_relayed(ipc::records::ImapHandover handover, std::string& reason) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        reason = "No descriptors left, try again later";
        co_return;
    }
    event::Fd passed(ends[0]);
    event::Stream session(services_.loop, event::Fd(ends[1]));
    stream_.consume(handover.input.size());
    reason = co_await services_.imap.hand_over(std::move(handover), std::move(passed));
    if (!reason.empty())
        co_return;
    if (std::exchange(counted_, false)) {
        auto found = services_.waiting_by_address.find(remote_.host());
        if (found != services_.waiting_by_address.end() && --found->second == 0)
            services_.waiting_by_address.erase(found);
    }
    state_ = State::handed_over;
    // The session hears of a stop too, and says goodbye through us: we end when it does.
    seat_.set(worker::Client::State::busy);
    co_await relay(stream_, session, params_.relay_timeout());
}

// What a client is told whose connection we end. It may have stopped reading; nobody waits for it.
void Session::say_last_words(const event::StreamError& error) {
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

void Session::log_end(std::string_view why) const {
    if (state_ == State::handed_over)
        return;
    if (failures_ > 0)
        logging::info("disconnected (auth failed, {} attempts): user=<{}>, method={}, rip={}, lip={}{}", failures_, user_,
                      method_, remote_.host(), local_.host(), why);
    else
        logging::info("disconnected (no login): rip={}, lip={}{}", remote_.host(), local_.host(), why);
}

Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services) {
    Session session(std::move(stream), seat, services);
    std::string why;
    try {
        co_await session.converse();
    } catch (const event::StreamError& error) {
        why = fmt::format(", {}", error.what());
        session.say_last_words(error);
    }
    session.log_end(why);
}

}  // namespace login
