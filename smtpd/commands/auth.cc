// AUTH (RFC 4954): the mechanisms' messages go to auth and back unread.
#include <fmt/format.h>

#include <algorithm>

#include "lib/event/endpoint.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "smtpd/session.h"

namespace smtpd {

using smtp::Reply;

namespace {

constexpr std::size_t kMaxAuthLine = 12288;  // RFC 4954, 4

bool has(const config::List& options, std::string_view word) {
    return std::find(options.begin(), options.end(), word) != options.end();
}

}  // namespace

bool Session::may_authenticate() const {
    bool open_to_listeners = params_.tls_auth_only() || params_.tls_security_level() == "encrypt";
    return services_.auth != nullptr && login_.empty() && (peer_.is_tls() || !open_to_listeners);
}

event::Task<void> Session::learn_mechanisms() {
    mechanisms_.clear();
    if (!may_authenticate())
        co_return;
    std::vector<sasl::Mechanism> offered = co_await services_.auth->mechanisms();
    if (offered.empty())
        logging::warning("AUTH is not offered: {}", services_.auth->trouble());
    const config::List& options = peer_.is_tls() ? params_.sasl_tls_security_options() : params_.sasl_security_options();
    for (const sasl::Mechanism& mechanism : offered) {
        bool forbidden = mechanism.is_private || (mechanism.plaintext && has(options, "noplaintext")) ||
                         (mechanism.anonymous && has(options, "noanonymous"));
        if (!forbidden)
            mechanisms_.push_back(text::upper(mechanism.name));
    }
}

sasl::ClientInfo Session::about_client() const {
    sasl::ClientInfo info;
    event::SocketAddress local = event::local_address(peer_.descriptor());
    event::SocketAddress remote = event::peer_address(peer_.descriptor());
    info.service = "smtp";
    info.local_address = local.host();
    info.local_port = local.port();
    info.remote_address = client_address_;
    info.remote_port = remote.port();
    info.secured = peer_.is_tls();
    info.no_login = true;
    return info;
}

std::vector<std::string> Session::auth_offers() const {
    if (mechanisms_.empty())
        return {};
    std::string all = fmt::format("{}", fmt::join(mechanisms_, " "));
    std::vector<std::string> lines{"AUTH " + all};
    if (params_.broken_sasl_auth_clients())
        lines.push_back("AUTH=" + all);
    return lines;
}

event::Task<Reply> Session::auth(std::string_view argument) {
    if (services_.auth == nullptr)
        co_return Reply(503, "5.5.1", "Error: authentication not enabled");
    if (!login_.empty())
        co_return Reply(503, "5.5.1", "Error: already authenticated");
    if (!may_authenticate())
        co_return Reply(538, "5.7.11", "Encryption required for requested authentication mechanism");
    std::vector<std::string_view> words = text::split(argument, " \t");
    if (words.empty() || words.size() > 2)
        co_return Reply(501, "5.5.4", "Syntax: AUTH mechanism");
    std::string mechanism = text::upper(words[0]);
    if (std::find(mechanisms_.begin(), mechanisms_.end(), mechanism) == mechanisms_.end())
        co_return Reply(535, "5.7.8", "Error: authentication failed: Invalid authentication mechanism");
    std::optional<std::string> initial;
    if (words.size() == 2) {
        initial = words[1] == "=" ? std::string() : text::decode_base64(words[1]);
        if (!initial)
            co_return Reply(501, "5.5.2", "Error: authentication failed: Invalid base64 data");
    }
    Reply reply = co_await run_mechanism(std::move(mechanism), std::move(initial));
    co_return reply;
}

event::Task<Reply> Session::run_mechanism(std::string mechanism, std::optional<std::string> initial) {
    sasl::ClientInfo info = about_client();
    sasl::Step step = co_await services_.auth->begin(std::move(info), mechanism, std::move(initial));
    while (step.kind == sasl::Step::Kind::more) {
        peer_.write("334 " + text::encode_base64(step.text) + "\r\n");
        std::optional<event::Line> line = co_await peer_.read_line(kMaxAuthLine);
        if (!line) {
            services_.auth->abandon(step.id);
            throw event::StreamError(event::StreamError::Kind::eof, "lost connection");
        }
        std::optional<std::string> answer = text::decode_base64(line->text);
        if (line->text == "*" || !answer) {
            services_.auth->abandon(step.id);
            co_return line->text == "*" ? Reply(501, "5.7.0", "Authentication aborted")
                                        : Reply(501, "5.5.2", "Error: authentication failed: Invalid base64 data");
        }
        std::string response = std::move(*answer);
        step = co_await services_.auth->respond(step.id, std::move(response));
    }
    if (step.kind == sasl::Step::Kind::ok) {
        login_ = step.user;
        login_method_ = mechanism;
        mechanisms_.clear();
        co_return Reply(235, "2.7.0", "Authentication successful");
    }
    if (step.kind == sasl::Step::Kind::trouble) {
        logging::warning(
            "{}[{}]: SASL {} authentication cannot be decided: {}", client_name_, client_address_, mechanism, step.text);
        co_return Reply(454, "4.7.0", "Temporary authentication failure: try again later");
    }
    std::string who = step.user.empty() ? "" : ", sasl_username=" + step.user;
    logging::warning("{}[{}]: SASL {} authentication failed: {}{}", client_name_, client_address_, mechanism,
        step.text.empty() ? "authentication failure" : step.text, who);
    co_return Reply(
        535, "5.7.8", "Error: authentication failed: " + (step.text.empty() ? "authentication failure" : step.text));
}

}  // namespace smtpd
