#include "imapd/login/session.h"

#include <fmt/format.h>

#include "lib/imap/extension.h"
#include "lib/imap/format.h"
#include "lib/text/text.h"

namespace login {

using event::Task;

namespace {

constexpr auto kWriteTimeout = std::chrono::seconds(60);
constexpr const char* kFailed = "NO [AUTHENTICATIONFAILED] Authentication failed.";
constexpr const char* kTrouble = "NO [UNAVAILABLE] Authentication is not possible now, try again later.";

}  // namespace

Session::Session(event::Stream stream, worker::Client& seat, Services& services)
    : PreLogin(std::move(stream), seat, services, "imap") {}

void Session::reply(std::string_view tag, std::string_view text) { stream_.write(fmt::format("{} {}\r\n", tag, text)); }

void Session::bye(std::string_view text) {
    reply("*", fmt::format("BYE {}", text));
    state_ = State::closing;
}

// RFC 3501, 6.2.3 and RFC 5530: the client must not even try.
bool Session::refuse_plaintext(const std::string& tag) {
    if (may_use_plaintext())
        return false;
    reply(tag, "NO [PRIVACYREQUIRED] Passwords are not taken in clear; start TLS first.");
    return true;
}

std::string Session::capabilities() const {
    bool can_start_tls = services_.tls && !stream_.is_tls();
    std::string all = imap::Extensions().capabilities(
        {.logged_in = false, .can_start_tls = can_start_tls, .takes_plaintext = may_use_plaintext()});
    if (!may_use_plaintext())
        return all;
    for (const std::string& mechanism : mechanisms_)
        all += " AUTH=" + mechanism;
    return all;
}

Task<void> Session::converse() {
    stream_.set_timeout(kWriteTimeout);
    stream_.set_deadline(event::Clock::now() + params_.timeout());
    if (!admit()) {
        bye("Too many connections from your address.");
        co_await stream_.flush();
        co_return;
    }
    co_await prepare();
    reply("*", fmt::format("OK [CAPABILITY {}] {}", capabilities(), params_.greeting()));
    while (state_ == State::talking) {
        seat_.set(worker::Client::State::between_commands);
        stream_.set_timeout(params_.timeout());
        ReadCommand command = co_await read_command(stream_);
        seat_.set(worker::Client::State::busy);
        if (command.kind == ReadCommand::Kind::end)
            break;
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
    if (state_ != State::handed_over)
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
    std::optional<std::string> initial(std::move(message));
    sasl::Step step = co_await services_.auth.begin(client_info(), "PLAIN", std::move(initial));
    method_ = "LOGIN";
    co_await finish_attempt(std::move(tag), std::move(step));
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
    if (!offers(mechanism)) {
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
    sasl::Step step = co_await run_mechanism(std::move(mechanism), std::move(initial));
    co_await finish_attempt(std::move(tag), std::move(step));
}

void Session::write_challenge(const std::string& challenge) { reply("+", text::encode_base64(challenge)); }

Task<std::optional<std::string>> Session::read_response() {
    std::optional<std::string> response;
    std::optional<event::Line> line = co_await stream_.read_line(kMaxCommand);
    if (!line)
        state_ = State::closing;
    else if (line->text != "*")
        response = text::decode_base64(line->text);
    co_return response;
}

Task<void> Session::finish_attempt(std::string tag, sasl::Step step) {
    using Kind = sasl::Step::Kind;
    if (step.kind == Kind::ok) {
        std::string reason = co_await hand_over(tag, step.id, Handing::direct);
        if (reason.empty())
            co_return;
        reply(tag, fmt::format("NO [UNAVAILABLE] {}", imap::human_text(reason)));
        bye("No session.");
        co_return;
    }
    if (step.kind == Kind::more) {
        if (state_ == State::talking)
            reply(tag, "BAD Authentication was cancelled.");
        co_return;
    }
    log_failure(step);
    reply(tag, step.kind == Kind::trouble ? kTrouble : kFailed);
    if (failures_ >= params_.attempt_limit())
        bye("Too many failed logins.");
}

}  // namespace login
