#include "imapd/lmtp/lmtpd/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "lib/address/path.h"
#include "lib/event/endpoint.h"
#include "lib/log/log.h"
#include "lib/smtp/command.h"
#include "lib/smtp/data.h"
#include "lib/text/text.h"

namespace lmtpd {

using smtp::Reply;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kChunk = 32768;

// Names a transaction in the log of both sides: process, time, counter.
std::string make_session_id() {
    static unsigned counter = 0;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return fmt::format(
        "{:x}-{:x}-{:x}", now.tv_sec, now.tv_nsec / 1000, static_cast<unsigned>(::getpid()) * 4096 + ++counter % 4096);
}

std::string format_date() {
    std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    char text[64];
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S %z", &local);
    return text;
}

}  // namespace

struct Session::Reception {
    smtp::DataDecoder decoder;
    std::string chunk;
    std::int64_t size = 0;
    bool too_large = false;
    std::string trouble;  // the store went away
    ipc::records::StoreOpen open;
    // All that the store was told of the content, while that is one record: it can be said to another store then.
    std::optional<ipc::records::StoreContent> first;
    bool begun = false;  // something of the message was handed on
};

namespace {

smtp::DialogueLimits limits_of(const Params& params) {
    smtp::DialogueLimits limits;
    limits.hard_errors = params.hard_error_limit();
    return limits;
}

}  // namespace

ipc::ServiceSettings store_settings(const Params& params) {
    ipc::ServiceSettings settings(params.store_socket(), 10s);
    settings.answer = 300s;
    return settings;
}

Session::Session(event::Stream stream, worker::Client& seat, Services& services)
    : Dialogue(std::move(stream), seat, limits_of(services.params)),
      services_(services),
      params_(services.params),
      session_id_(make_session_id()) {
    event::SocketAddress address = event::peer_address(peer_.descriptor());
    client_address_ = address.family() == AF_UNIX ? "local" : address.host();
    peer_.set_timeout(params_.timeout());
}

struct Session::CommandSpec {
    std::string_view verb;
    event::Task<Reply> (Session::*handler)(std::string_view);
};

event::Task<Reply> Session::execute(smtp::Command command) {
    static constexpr CommandSpec kCommands[] = {
        {"LHLO", &Session::lhlo},
        {"MAIL", &Session::mail},
        {"RCPT", &Session::rcpt},
        {"DATA", &Session::data},
        {"RSET", &Session::rset},
        {"NOOP", &Session::noop},
        {"VRFY", &Session::vrfy},
        {"QUIT", &Session::quit},
    };
    for (const CommandSpec& spec : kCommands) {
        if (spec.verb != command.verb)
            continue;
        event::Task<Reply> task = (this->*spec.handler)(command.argument);
        Reply reply = co_await std::move(task);
        co_return reply;
    }
    if (command.verb == "HELO" || command.verb == "EHLO")
        co_return Reply(500, "5.5.1", "This is LMTP: say LHLO");  // RFC 2033, 4.1
    co_return Reply(500, "5.5.2", "Unknown command");
}

event::Task<void> Session::converse() {
    co_await send(Reply(220, "", params_.myhostname() + " LMTP " + params_.mail_name()));
    co_await read_commands();
}

std::string Session::too_many_errors() {
    logging::info("too many errors from {}", client_address_);
    return params_.myhostname() + " Too many errors";
}

void Session::refused_protocol(std::string_view line) {
    logging::warning("non-LMTP command from {}: {}", client_address_, line.substr(0, 100));
}

void Session::client_left() {}

void Session::say_goodbye(const event::StreamError& error) {
    using Kind = event::StreamError::Kind;
    if (error.kind() == Kind::timeout)
        peer_.write("421 4.4.2 " + params_.myhostname() + " Timeout\r\n");
    else if (error.kind() == Kind::too_long)
        peer_.write("500 5.5.2 Line too long\r\n");
    else if (error.kind() == Kind::cancelled)
        peer_.write("421 4.3.2 " + params_.myhostname() + " Shutting down\r\n");
    peer_.push();
}

void Session::end_transaction() {
    has_sender_ = false;
    sender_.clear();
    recipients_.clear();
}

event::Task<Reply> Session::lhlo(std::string_view argument) {
    if (argument.empty() || argument.size() > 512)
        co_return Reply(501, "", "Syntax: LHLO hostname");
    helo_ = text::printable(argument);
    end_transaction();
    Reply reply(250, "", params_.myhostname());
    reply.lines.push_back("PIPELINING");
    reply.lines.push_back("ENHANCEDSTATUSCODES");
    reply.lines.push_back("8BITMIME");
    std::int64_t limit = params_.message_size_limit();
    reply.lines.push_back(limit > 0 ? fmt::format("SIZE {}", limit + limit / 8) : "SIZE");
    co_return reply;
}

event::Task<Reply> Session::mail(std::string_view argument) {
    if (helo_.empty())
        co_return Reply(503, "5.5.1", "Say LHLO first");
    if (has_sender_)
        co_return Reply(503, "5.5.1", "Nested MAIL command");
    auto path_text = smtp::path_argument(argument, "FROM", false);
    if (!path_text)
        co_return Reply(501, "5.5.4", "Syntax: MAIL FROM:<address>");
    auto path = address::parse_path(*path_text);
    if (!path)
        co_return Reply(501, "5.1.7", "Bad sender address syntax");
    auto parameters = smtp::parse_parameters(path->parameters);
    if (!parameters)
        co_return Reply(501, "5.5.4", parameters.error());
    for (const smtp::Parameter& parameter : *parameters) {
        std::string keyword = text::upper(parameter.keyword);
        if (keyword != "SIZE" && keyword != "BODY")
            co_return Reply(555, "5.5.4", "Unsupported option: " + std::string(parameter.keyword));
    }
    sender_ = path->mailbox.text();
    has_sender_ = true;
    co_return Reply(250, "2.1.0", "OK");
}

event::Task<bool> Session::ensure_store() {
    if (store_ && !ipc::is_gone(store().stream()))
        co_return true;
    store_.reset();
    std::expected<StorePool::Lease, std::string> lease = co_await services_.store.take();
    if (lease)
        store_ = std::move(*lease);
    else
        logging::warning("lmtp-store cannot be reached: {}", lease.error());
    co_return store_.has_value();
}

void Session::give_back_store() {
    if (store_)
        services_.store.give_back(std::move(*store_));
    store_.reset();
}

event::Task<Reply> Session::rcpt(std::string_view argument) {
    if (!has_sender_)
        co_return Reply(503, "5.5.1", "Need MAIL first");
    auto path_text = smtp::path_argument(argument, "TO", false);
    if (!path_text)
        co_return Reply(501, "5.5.4", "Syntax: RCPT TO:<address>");
    auto path = address::parse_path(*path_text);
    if (!path || path->mailbox.empty())
        co_return Reply(501, "5.1.3", "Bad recipient address syntax");
    if (recipients_.size() >= static_cast<std::size_t>(params_.recipient_limit()))
        co_return Reply(452, "4.5.3", "Too many recipients");
    std::string shown = path->mailbox.quoted();
    const bool reached = co_await ensure_store();
    if (!reached)
        co_return Reply(451, "4.3.0", "<" + shown + "> Temporary internal error");
    ipc::records::StoreLookup lookup;
    lookup.recipient = path->mailbox.text();
    std::expected<ipc::records::StoreLookupReply, std::string> reply;
    try {
        store().write(lookup);
        reply = co_await store().receive<ipc::records::StoreLookupReply>();
    } catch (const event::StreamError& error) {
        reply = std::unexpected(std::string(error.what()));
    }
    if (!reply) {
        logging::warning("lmtp-store does not answer: {}", reply.error());
        store_.reset();
        co_return Reply(451, "4.3.0", "<" + shown + "> Temporary internal error");
    }
    if (reply->known == ipc::records::StoreKnown::unknown)
        co_return Reply(550, "5.1.1", "<" + shown + "> User doesn't exist: " + shown);
    if (reply->known == ipc::records::StoreKnown::temporary)
        co_return Reply(451, "4.3.0", "<" + shown + "> Temporary user lookup failure");
    recipients_.push_back(path->mailbox.text());
    co_return Reply(250, "2.1.5", "OK");
}

std::string Session::trace_line() const {
    if (!params_.add_received_header())
        return "";
    return fmt::format("Received: from {} ([{}])\r\n\tby {} ({}) with LMTP id {}{};\r\n\t{}\r\n", helo_, client_address_,
        params_.myhostname(), params_.mail_name(), session_id_,
        recipients_.size() == 1 ? "\r\n\tfor <" + address::quote(recipients_.front()) + ">" : "", format_date());
}

// lmtp-store closes a connection that has nothing under way when it is idle for too long or reloads, however long a client
// takes to send its message; the next one is told everything from the beginning then.
event::Task<void> Session::renew_store(Reception& reception) {
    store_.reset();
    const bool reached = co_await ensure_store();
    reception.trouble = reached ? "" : "it cannot be reached";
    if (!reached)
        co_return;
    store().write(reception.open);
    if (reception.first)
        store().write(*reception.first);
}

event::Task<void> Session::forward(Reception& reception) {
    if (!reception.trouble.empty() || reception.too_large) {
        reception.chunk.clear();
        co_return;
    }
    ipc::records::StoreContent content;
    content.octets = std::move(reception.chunk);
    reception.chunk.clear();
    const bool is_first = !std::exchange(reception.begun, true);
    reception.first.reset();
    if (is_first && ipc::is_gone(store().stream()))
        co_await renew_store(reception);
    if (!reception.trouble.empty())
        co_return;
    try {
        store().write(content);
        if (is_first)
            reception.first = std::move(content);
        co_await store().stream().drain();
    } catch (const event::StreamError& error) {
        reception.trouble = error.what();
    }
}

event::Task<void> Session::receive(Reception& reception) {
    std::int64_t limit = params_.message_size_limit();
    limit += limit / 8;  // what hops before us have added
    while (!reception.decoder.ended()) {
        std::string_view some = co_await peer_.read_some();
        if (some.empty())
            throw event::StreamError(event::StreamError::Kind::eof, "lost connection");
        std::size_t before = reception.chunk.size();
        std::size_t taken = reception.decoder.decode(some, reception.chunk);
        peer_.consume(taken);
        reception.size += static_cast<std::int64_t>(reception.chunk.size() - before);
        reception.too_large = reception.too_large || (limit > 0 && reception.size > limit);
        if (reception.chunk.size() >= kChunk || reception.too_large)
            co_await forward(reception);
    }
    if (!reception.chunk.empty())
        co_await forward(reception);
}

event::Task<std::expected<ipc::records::StoreReply, std::string>> Session::end_message() {
    std::string failure;
    try {
        store().write(ipc::records::StoreEnd{});
        std::expected<ipc::records::StoreReply, std::string> reply = co_await store().receive<ipc::records::StoreReply>();
        co_return std::move(reply);
    } catch (const event::StreamError& error) {
        failure = error.what();
    }
    co_return std::unexpected(std::move(failure));
}

event::Task<void> Session::answer_recipients(Reception& reception) {
    std::expected<ipc::records::StoreReply, std::string> reply = std::unexpected(reception.trouble);
    if (reception.too_large) {
        store_.reset();  // closing it before the end drops the message there
    } else if (reception.trouble.empty()) {
        reply = co_await end_message();
        const bool said_whole = reception.first || !reception.begun;
        if (!reply && said_whole && store().stream().unread_by_peer()) {
            // It left just as it was told: it has not read the end, so it has stored nothing.
            co_await renew_store(reception);
            if (reception.trouble.empty())
                reply = co_await end_message();
        }
    }
    bool broken = !reply && !reception.too_large;
    if (broken) {
        logging::warning("session {}: lmtp-store does not answer: {}", session_id_, reply.error());
        store_.reset();
    }
    for (std::size_t i = 0; i < recipients_.size(); ++i) {
        std::string shown = "<" + address::quote(recipients_[i]) + "> ";
        Reply one(451, "4.3.0", shown + "Temporary internal error");
        if (reception.too_large)
            one = Reply(552, "5.3.4", shown + "Message is too large");
        else if (reply && i < reply->results.size())
            one = Reply(reply->results[i].code, reply->results[i].dsn, shown + reply->results[i].text);
        peer_.write(smtp::format_reply(one));
    }
}

event::Task<Reply> Session::data(std::string_view argument) {
    if (!argument.empty())
        co_return Reply(501, "5.5.4", "Syntax: DATA");
    if (recipients_.empty())
        co_return Reply(503, "5.5.1", "No valid recipients");
    const bool reached = co_await ensure_store();
    if (!reached)
        co_return Reply(451, "4.3.0", "Temporary internal error");
    session_id_ = make_session_id();
    Reception reception;
    ipc::records::StoreOpen& open = reception.open;
    open.session = session_id_;
    open.sender = sender_;
    open.trace = trace_line();
    open.recipients = recipients_;
    store().write(open);
    peer_.write("354 OK\r\n");
    co_await receive(reception);
    co_await answer_recipients(reception);
    end_transaction();
    co_return Reply();
}

event::Task<Reply> Session::rset(std::string_view) {
    end_transaction();
    co_return Reply(250, "2.0.0", "OK");
}

event::Task<Reply> Session::noop(std::string_view) { co_return Reply(250, "2.0.0", "OK"); }
event::Task<Reply> Session::vrfy(std::string_view) { co_return Reply(252, "2.3.3", "Try RCPT instead"); }

event::Task<Reply> Session::quit(std::string_view) {
    closing_ = true;
    co_return Reply(221, "2.0.0", "Bye");
}

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services) {
    Session session(std::move(stream), seat, services);
    try {
        co_await session.converse();
        session.give_back_store();
    } catch (const event::StreamError& error) {
        session.say_goodbye(error);
    }
}

}  // namespace lmtpd
