#include "imapd/login/managesieve_session.h"

#include "imapd/login/command_reader.h"
#include "imapd/login/session.h"
#include "lib/managesieve/capability.h"
#include "lib/text/text.h"

namespace login {

using event::Task;
using managesieve::Command;

namespace {
constexpr auto kWriteTimeout = std::chrono::seconds(60);
}

ManageSieveSession::ManageSieveSession(event::Stream stream, worker::Client& seat, Services& services)
    : PreLogin(std::move(stream), seat, services, "sieve") {}

void ManageSieveSession::reply(std::string_view word, std::string_view code, std::string_view text) {
    stream_.write(managesieve::format_reply(word, code, text));
}

void ManageSieveSession::bye(std::string_view text) {
    reply("BYE", "", text);
    state_ = State::closing;
}

std::string ManageSieveSession::capabilities() const {
    managesieve::Capabilities known;
    known.implementation = params_.mail_name();
    known.sieve = {managesieve::kSieveExtensions.begin(), managesieve::kSieveExtensions.end()};
    known.notify = {managesieve::kNotifyMethods.begin(), managesieve::kNotifyMethods.end()};
    if (may_use_plaintext())
        known.mechanisms = mechanisms_;
    known.starttls = services_.tls && !stream_.is_tls();
    known.max_redirects = static_cast<std::uint64_t>(params_.sieve_max_redirects());
    return managesieve::format_capabilities(known);
}

Task<std::optional<std::string>> ManageSieveSession::read_text() {
    std::string text;
    for (;;) {
        std::optional<event::Line> line = co_await stream_.read_line(kMaxCommand);
        if (!line)
            co_return std::nullopt;
        std::optional<std::uint64_t> size = managesieve::literal_at_end(line->text);
        text += line->text;
        if (!size && text.size() <= kMaxCommand)
            co_return text;
        if (!size || *size > kMaxLiteral || text.size() + *size > kMaxCommand) {
            bye("Too much without a login.");
            co_return std::nullopt;
        }
        text += "\r\n";
        std::string_view octets = co_await stream_.read_exactly(static_cast<std::size_t>(*size));
        text += octets;
    }
}

Task<void> ManageSieveSession::converse() {
    stream_.set_timeout(kWriteTimeout);
    stream_.set_deadline(event::Clock::now() + params_.timeout());
    if (!admit()) {
        bye("Too many connections from your address.");
        co_await stream_.flush();
        co_return;
    }
    co_await prepare();
    stream_.write(capabilities());
    reply("OK", "", params_.greeting());
    while (state_ == State::talking) {
        seat_.set(worker::Client::State::between_commands);
        stream_.set_timeout(params_.timeout());
        std::optional<std::string> text = co_await read_text();
        seat_.set(worker::Client::State::busy);
        if (!text && state_ == State::talking)
            break;
        if (text) {
            std::expected<Command, std::string> command = managesieve::parse_command(*text);
            if (command)
                co_await execute(std::move(*command));
            else
                reply("NO", "", command.error());
        }
        if (++commands_ >= params_.command_limit() && state_ == State::talking)
            bye("Too many commands without a login.");
    }
    if (state_ != State::handed_over)
        co_await stream_.flush();
}

Task<void> ManageSieveSession::execute(Command command) {
    if (command.name == "AUTHENTICATE" && (command.has("s") || command.has("ss"))) {
        co_await authenticate(std::move(command));
    } else if (command.name == "STARTTLS" && command.has("")) {
        co_await start_tls();
    } else if (command.name == "CAPABILITY" && command.has("")) {
        stream_.write(capabilities());
        reply("OK", "", "");
    } else if (command.name == "NOOP" && command.has("s")) {
        stream_.write("OK (TAG " + managesieve::format_string(command.arguments[0].text) + ") \"Done.\"\r\n");
    } else if (command.name == "NOOP" && command.has("")) {
        reply("OK", "", "Done.");
    } else if (command.name == "LOGOUT" && command.has("")) {
        reply("OK", "", "Logged out.");
        state_ = State::closing;
    } else {
        reply("NO", "", "Unknown command before login, or other arguments than it has.");
    }
}

// RFC 5804, 2.2: the capabilities follow, because what came in clear counts no more.
Task<void> ManageSieveSession::start_tls() {
    if (stream_.is_tls() || !services_.tls) {
        reply("NO", "", stream_.is_tls() ? "TLS is on already." : "TLS cannot be started.");
        co_return;
    }
    reply("OK", "", "Begin TLS negotiation now.");
    co_await stream_.flush();
    co_await stream_.start_tls_server(*services_.tls);
    stream_.write(capabilities());
    reply("OK", "", "TLS is on.");
}

Task<void> ManageSieveSession::authenticate(Command command) {
    std::string mechanism = text::upper(command.arguments[0].text);
    if (!may_use_plaintext()) {
        reply("NO", "ENCRYPT-NEEDED", "Passwords are not taken in clear; start TLS first.");
        co_return;
    }
    if (!offers(mechanism)) {
        reply("NO", "", "Unsupported authentication mechanism.");
        co_return;
    }
    std::optional<std::string> initial;
    if (command.arguments.size() == 2) {
        initial = text::decode_base64(command.arguments[1].text);
        if (!initial) {
            reply("NO", "", "The initial response is not base64.");
            co_return;
        }
    }
    sasl::Step step = co_await run_mechanism(std::move(mechanism), std::move(initial));
    co_await finish_attempt(std::move(step));
}

void ManageSieveSession::write_challenge(const std::string& challenge) {
    stream_.write(managesieve::format_string(text::encode_base64(challenge)) + "\r\n");
}

// A string alone on its line (RFC 5804, 2.1); "*" cancels.
Task<std::optional<std::string>> ManageSieveSession::read_response() {
    std::optional<std::string> text = co_await read_text();
    std::optional<std::string> response;
    if (!text) {
        if (state_ == State::talking)
            state_ = State::closing;
        co_return response;
    }
    std::expected<Command, std::string> line = managesieve::parse_command("RESPONSE " + *text);
    if (line && line->has("s") && line->arguments[0].text != "*")
        response = text::decode_base64(line->arguments[0].text);
    co_return response;
}

Task<void> ManageSieveSession::finish_attempt(sasl::Step step) {
    using Kind = sasl::Step::Kind;
    if (step.kind == Kind::more) {
        if (state_ == State::talking)
            reply("NO", "", "Authentication was cancelled.");
        co_return;
    }
    if (step.kind != Kind::ok) {
        log_failure(step);
        if (step.kind == Kind::trouble)
            reply("NO", "TRYLATER", "Authentication is not possible now, try again later.");
        else
            reply("NO", "", "Authentication failed.");
        if (failures_ >= params_.attempt_limit())
            bye("Too many failed logins.");
        co_return;
    }
    std::string reason = co_await hand_over("", step.id, Handing::relayed);
    if (!reason.empty()) {
        reply("NO", "TRYLATER", reason);
        co_return;
    }
    if (std::exchange(given_back_, false)) {
        reply("OK", "", "You are nobody again.");
        user_.clear();
        commands_ = 0;
        stream_.set_deadline(event::Clock::now() + params_.timeout());
    }
}

std::unique_ptr<PreLogin> make_session(event::Stream stream, worker::Client& seat, Services& services) {
    if (services.params.managesieve())
        return std::make_unique<ManageSieveSession>(std::move(stream), seat, services);
    return std::make_unique<Session>(std::move(stream), seat, services);
}

}  // namespace login
