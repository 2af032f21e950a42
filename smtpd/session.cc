#include "smtpd/session.h"

#include <algorithm>

#include "lib/delivery/agent.h"
#include "lib/event/endpoint.h"
#include "lib/log/log.h"
#include "lib/text/text.h"

namespace smtpd {

using smtp::Reply;

namespace {

std::string lower_verb(std::string_view verb) { return text::lower(verb); }

bool contains(const config::List& list, std::string_view word) {
    return std::any_of(
        list.begin(), list.end(), [&](const std::string& item) { return text::equal_ignoring_case(item, word); });
}

smtp::DialogueLimits limits_of(const Params& params) {
    smtp::DialogueLimits limits;
    limits.line = static_cast<std::size_t>(params.line_limit());
    limits.soft_errors = params.soft_error_limit();
    limits.hard_errors = params.hard_error_limit();
    limits.pause = params.error_sleep_time();
    limits.forbidden = params.forbidden_commands();
    return limits;
}

}  // namespace

Session::Session(event::Stream stream, worker::Client& seat, Services& services)
    : Dialogue(std::move(stream), seat, limits_of(services.params)),
      services_(services),
      params_(services.params),
      asker_(services.loop) {
    asker_.client = question::next_client();
    if (services_.gate.has_dns())
        dns_.emplace(services_.gate.dns(), asker_);
    event::SocketAddress address = event::peer_address(peer_.descriptor());
    bool inet = address.family() == AF_INET || address.family() == AF_INET6;
    client_address_ = inet ? address.host() : "127.0.0.1";
    client_port_ = std::to_string(address.port());
}

event::Task<void> Session::begin() {
    event::SocketAddress address = event::peer_address(peer_.descriptor());
    if (params_.peername_lookup())
        client_name_ = co_await services_.peer_names.find(address);
    logging::info("connect from {}[{}]", client_name_, client_address_);
    peer_.set_timeout(params_.timeout());
    if (params_.tls_wrappermode())
        co_await start_tls();
    Reply greeting(220, "", params_.banner());
    std::optional<Reply> refused = co_await evaluate_early(Stage::client, "CONNECT");
    if (refused) {
        greeting = *refused;
        closing_ = true;
    }
    co_await send(std::move(greeting));
}

event::Task<void> Session::converse() {
    co_await begin();
    co_await read_commands();
}

void Session::client_left() {
    logging::info("lost connection after {} from {}[{}]", last_verb_, client_name_, client_address_);
}

std::string Session::too_many_errors() {
    logging::info("too many errors after {} from {}[{}]", last_verb_, client_name_, client_address_);
    return params_.myhostname() + " Error: too many errors";
}

void Session::refused_protocol(std::string_view line) {
    logging::warning("non-SMTP command from {}[{}]: {}", client_name_, client_address_, line.substr(0, 100));
}

event::Task<Reply> Session::execute(smtp::Command command) {
    const CommandSpec* spec = find_command(command.verb);
    last_verb_ = spec != nullptr ? command.verb : "UNKNOWN";
    std::pair<int, int>& count = counts_[spec != nullptr ? lower_verb(command.verb) : "unknown"];
    ++count.second;
    if (contains(params_.noop_commands(), command.verb)) {
        ++count.first;
        co_return Reply(250, "2.0.0", "Ok");
    }
    if (spec == nullptr)
        co_return Reply(500, "5.5.2", "Error: command not recognized");  // RFC 5321, 4.2.4
    if (spec->junk && ++junk_ > params_.junk_command_limit())
        ++errors_;
    if (params_.tls_security_level() == "encrypt" && !peer_.is_tls() && !spec->without_tls)
        co_return Reply(530, "5.7.0", "Must issue a STARTTLS command first");
    if ((spec->allowed & state_) == 0) {
        bool too_early = state_ == kGreeted && spec->allowed == kHello;
        co_return Reply(503, "5.5.1", too_early ? "Error: send HELO/EHLO first" : std::string(spec->otherwise));
    }
    // A client that sent more behind a command that ends its right to pipeline (RFC 2920, 3.1).
    pipelined_too_early_ = !peer_.buffered().empty() && (spec->synchronises || !extended_);
    event::Task<Reply> task = (this->*spec->handler)(command.argument);
    Reply reply = co_await std::move(task);
    if (!reply.is_error())
        ++count.first;
    co_return reply;
}

event::Task<std::optional<Reply>> Session::learn_who_sends(Transaction& transaction) {
    const Reply later(451, "4.3.0", "Temporary lookup failure");
    transaction.ours = !login_.empty();
    if (!transaction.ours) {
        dict::Matched inside = co_await services_.mynetworks.matches_client(asker_, client_name_, client_address_);
        if (!inside) {
            logging::warning("{}", inside.error().text);
            co_return later;
        }
        transaction.ours = *inside;
    }
    Facts known = facts();
    const Inquiry who = inquiry();
    Verdict verdict = co_await services_.restrictions.may_complete_headers(who, known, services_);
    if (verdict.trouble)
        co_return later;
    transaction.completes_headers = verdict.kind == Verdict::Kind::permit;
    co_return std::nullopt;
}

Facts Session::facts() const {
    Facts known;
    known.client_name = client_name_;
    known.client_address = client_address_;
    known.helo = helo_;
    known.authenticated = !login_.empty();
    known.login = login_;
    known.tls = peer_.is_tls();
    known.pipelined_too_early = pipelined_too_early_;
    if (transaction_) {
        known.has_sender = true;
        known.sender = transaction_->sender;
        known.sender_text = transaction_->sender_text;
        known.recipients = transaction_->recipients.size();
    }
    return known;
}

void Session::log_reject(const char* command, const Reply& reply, const Facts& known) {
    std::string id = transaction_ && transaction_->cleanup ? transaction_->cleanup->memo.queue_id : "NOQUEUE";
    std::string line = fmt::format(
        "{}: reject: {} from {}[{}]: {};", id, command, client_name_, client_address_, reply.text());
    if (known.has_sender)
        line += fmt::format(" from=<{}>", known.sender_text);
    if (known.has_recipient)
        line += fmt::format(" to=<{}>", known.recipient_text);
    line += fmt::format(" proto={}", extended_ ? "ESMTP" : "SMTP");
    if (!helo_.empty())
        line += fmt::format(" helo=<{}>", helo_);
    logging::info("{}", line);
}

void Session::take_notes(const std::vector<Verdict>& notes, const char* command, const Facts& known) {
    for (const Verdict& note : notes) {
        const char* action = note.kind == Verdict::Kind::hold      ? "hold"
                             : note.kind == Verdict::Kind::discard ? "discard"
                                                                   : "warn";
        Reply as_reply(0, "", note.log_text);
        std::string id = transaction_ && transaction_->cleanup ? transaction_->cleanup->memo.queue_id : "NOQUEUE";
        logging::info("{}: {}: {} from {}[{}]: {}; from=<{}> to=<{}> proto={} helo=<{}>", id,
            note.kind == Verdict::Kind::warn ? "reject_warning" : action, command, client_name_, client_address_,
            note.log_text, known.sender_text, known.recipient_text, extended_ ? "ESMTP" : "SMTP", helo_);
        if (!transaction_)
            continue;
        if (note.kind == Verdict::Kind::hold)
            transaction_->handling |= ipc::records::kCleanupHold;
        if (note.kind == Verdict::Kind::discard)
            transaction_->discard = true;
    }
}

event::Task<Verdict> Session::go_through(Stage stage, const Facts& known, const char* command) {
    std::vector<Verdict> notes;
    const Inquiry who = inquiry();
    Verdict verdict = co_await services_.restrictions.evaluate(who, stage, known, services_, notes);
    take_notes(notes, command, known);
    co_return verdict;
}

event::Task<std::optional<Reply>> Session::evaluate(Stage stage, const Facts& known) {
    static constexpr const char* kCommands[] = {"RCPT", "RCPT", "RCPT", "RCPT", "RCPT", "DATA", "END-OF-MESSAGE"};
    const char* command = kCommands[static_cast<std::size_t>(stage)];
    Verdict verdict = co_await go_through(stage, known, command);
    if (verdict.kind != Verdict::Kind::reject)
        co_return std::nullopt;
    log_reject(command, verdict.reply, known);
    co_return verdict.reply;
}

// With smtpd_delay_reject = no: at the command that the stage is about.
event::Task<std::optional<Reply>> Session::evaluate_early(Stage stage, const char* command) {
    if (params_.delay_reject())
        co_return std::nullopt;
    Facts known = facts();
    Verdict verdict = co_await go_through(stage, known, command);
    if (verdict.kind != Verdict::Kind::reject)
        co_return std::nullopt;
    log_reject(command, verdict.reply, known);
    co_return verdict.reply;
}

void Session::log_broken(const event::StreamError& error) {
    using Kind = event::StreamError::Kind;
    const char* where = state_ == kRecipients && last_verb_ == "DATA" ? "DATA" : last_verb_.c_str();
    if (error.kind() == Kind::timeout)
        logging::info("timeout after {} from {}[{}]", where, client_name_, client_address_);
    else if (error.kind() == Kind::tls)
        logging::info("SSL_accept error from {}[{}]: {}", client_name_, client_address_, error.what());
    else if (error.kind() == Kind::too_long)
        logging::info("overlong command line after {} from {}[{}]", where, client_name_, client_address_);
    else
        logging::info("lost connection after {} from {}[{}]", where, client_name_, client_address_);
}

void Session::log_disconnect() {
    std::string counts;
    int accepted = 0, all = 0;
    for (const std::string& verb : command_order()) {
        const auto found = counts_.find(verb);
        if (found == counts_.end())
            continue;
        const std::pair<int, int>& count = found->second;
        accepted += count.first;
        all += count.second;
        counts += count.first == count.second ? fmt::format(" {}={}", verb, count.first)
                                              : fmt::format(" {}={}/{}", verb, count.first, count.second);
    }
    std::string total = accepted == all ? std::to_string(all) : fmt::format("{}/{}", accepted, all);
    logging::info("disconnect from {}[{}]{} commands={}", client_name_, client_address_, counts, total);
}

namespace {

// The last words to a client whose session ends from our side; sent as far as the kernel takes them now.
std::optional<Reply> last_words(const event::StreamError& error, const std::string& myhostname) {
    switch (error.kind()) {
    case event::StreamError::Kind::timeout: return Reply(421, "4.4.2", myhostname + " Error: timeout exceeded");
    case event::StreamError::Kind::too_long: return Reply(500, "5.5.2", "Error: line too long");
    case event::StreamError::Kind::cancelled:
        return Reply(421, "4.3.2", myhostname + " Service shutting down, closing channel");
    default: return std::nullopt;
    }
}

}  // namespace

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services) {
    Session session(std::move(stream), seat, services);
    try {
        co_await session.converse();
    } catch (const event::StreamError& error) {
        session.log_broken(error);
        session.say_goodbye(last_words(error, services.params.myhostname()));
    }
    session.log_disconnect();
}

void Session::say_goodbye(const std::optional<Reply>& reply) {
    if (transaction_ && transaction_->cleanup && !transaction_->recipients.empty() && last_verb_ == "DATA")
        transaction_->cleanup.reset();  // in the middle of a message: closing the connection drops it
    else
        end_transaction();
    if (!reply)
        return;
    peer_.write(smtp::format_reply(*reply));
    peer_.push();
}

}  // namespace smtpd
