#include "lmtp/session.h"

#include <fmt/format.h>

#include "lib/address/path_text.h"
#include "lib/log/log.h"
#include "lib/smtp/data.h"
#include "lib/text/text.h"

namespace lmtp {

using delivery::DeliverRecipient;
using delivery::DeliverStatus;
using delivery::Job;
using delivery::RecipientResult;

namespace {

bool has_control_character(std::string_view text) {
    for (char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return true;
    return false;
}

}  // namespace

std::string Server::relay() const {
    return port.empty() ? fmt::format("{}[{}]", name, address) : fmt::format("{}[{}]:{}", name, address, port);
}

std::string Server::said() const { return fmt::format("{}[{}]", name, address); }

Session::Session(const Settings& settings, Server server, event::Stream stream)
    : settings_(settings), server_(std::move(server)), stream_(std::move(stream)) {}

event::Task<std::expected<std::unique_ptr<Session>, DestinationFailure>> Session::open(
    event::Loop& loop, const Settings& settings, Server server, event::SocketAddress address, bool with_tls) {
    std::optional<DestinationFailure> trouble;
    event::Stream stream;
    try {
        stream = co_await event::connect(loop, address, settings.params.connect_timeout());
    } catch (const event::StreamError& error) {
        std::string where = server.port.empty() ? server.said() : server.relay();
        trouble = DestinationFailure{"4.4.1", fmt::format("connect to {}: {}", where, error.what()), "none", false};
    }
    if (trouble)
        co_return std::unexpected(std::move(*trouble));
    std::unique_ptr<Session> session(new Session(settings, std::move(server), std::move(stream)));
    try {
        trouble = co_await session->greet(with_tls);
    } catch (const event::StreamError& error) {
        trouble = session->trouble(error);
    }
    if (trouble)
        co_return std::unexpected(std::move(*trouble));
    co_return std::move(session);
}

DestinationFailure Session::trouble(const event::StreamError& error) const {
    DestinationFailure result;
    result.dsn = "4.4.2";
    result.relay = server_.relay();
    switch (error.kind()) {
    case event::StreamError::Kind::timeout:
        result.text = fmt::format("conversation with {} timed out while {}", server_.said(), doing_);
        break;
    case event::StreamError::Kind::tls:
        result.dsn = "4.7.5";
        result.text = fmt::format("Cannot start TLS: handshake failure: {}", error.what());
        break;
    case event::StreamError::Kind::too_long:
        result.dsn = "4.5.0";
        result.text = fmt::format("{} sent an overlong reply while {}", server_.said(), doing_);
        break;
    case event::StreamError::Kind::protocol:
        result.dsn = "4.5.0";
        result.text = fmt::format("{} while {} with {}", error.what(), doing_, server_.said());
        break;
    default: result.text = fmt::format("lost connection with {} while {}", server_.said(), doing_); break;
    }
    return result;
}

// Text that came before it was asked for cannot be an answer to this: somebody else put it there, or the server has lost
// count, and then it would answer one message with what it means for another.
void Session::require_silence() {
    if (!stream_.arrived().empty())
        throw event::StreamError(event::StreamError::Kind::protocol, "protocol error: the server speaks out of turn");
}

// The answer to anything but DATA. 3xx has a meaning there alone (RFC 5321, 4.3.2).
event::Task<smtp::Reply> Session::answer() {
    smtp::Reply reply = co_await smtp::read_reply(stream_);
    if (reply.wants_more())
        throw event::StreamError(event::StreamError::Kind::protocol,
            "protocol error: the server asks for more: " + text::printable(reply.text()));
    co_return reply;
}

event::Task<smtp::Reply> Session::command(std::string text, std::chrono::seconds timeout) {
    require_silence();
    stream_.set_timeout(timeout);
    stream_.write(text + "\r\n");
    smtp::Reply reply = co_await answer();
    co_return reply;
}

void Session::learn_extensions(const smtp::Reply& reply) {
    pipelining_ = eight_bit_ = starttls_ = utf8_ = size_known_ = dsn_ = false;
    for (const std::string& line : reply.lines) {
        std::vector<std::string_view> words = text::split(line, " ");
        std::string keyword = words.empty() ? "" : text::upper(words.front());
        pipelining_ |= keyword == "PIPELINING";
        eight_bit_ |= keyword == "8BITMIME";
        starttls_ |= keyword == "STARTTLS";
        utf8_ |= keyword == "SMTPUTF8";
        dsn_ |= keyword == "DSN";
        if (keyword == "SIZE") {
            size_known_ = true;
            size_limit_ = words.size() > 1 ? text::parse_number(words[1]).value_or(0) : 0;
        }
    }
}

event::Task<smtp::Reply> Session::say_hello() {
    const std::string& name = settings_.params.helo_name();
    std::chrono::seconds timeout = settings_.params.greeting_timeout();
    doing_ = settings_.lmtp ? "performing the LHLO handshake" : "performing the EHLO handshake";
    std::string hello = (settings_.lmtp ? "LHLO " : "EHLO ") + name;
    smtp::Reply reply = co_await command(std::move(hello), timeout);
    if (reply.is_success()) {
        learn_extensions(reply);
        co_return reply;
    }
    if (settings_.lmtp || !reply.is_permanent())
        co_return reply;
    doing_ = "performing the HELO handshake";
    std::string old_hello = "HELO " + name;
    reply = co_await command(std::move(old_hello), timeout);
    co_return reply;
}

event::Task<std::optional<DestinationFailure>> Session::greet(bool with_tls) {
    auto refused = [&](const smtp::Reply& reply, const char* command) {
        RecipientResult result = outcome(reply, command);
        return DestinationFailure{"4" + result.dsn.substr(1), result.text, server_.relay(), false};
    };
    stream_.set_timeout(settings_.params.greeting_timeout());
    smtp::Reply greeting = co_await answer();
    if (!greeting.is_success())
        co_return refused(greeting, "");
    smtp::Reply hello = co_await say_hello();
    if (!hello.is_success())
        co_return refused(hello, settings_.lmtp ? "LHLO" : "EHLO");
    if (!with_tls)
        co_return std::nullopt;
    if (!starttls_) {
        if (settings_.tls_level == TlsLevel::encrypt)
            co_return DestinationFailure{
                "4.7.4", "TLS is required, but was not offered by host " + server_.said(), server_.relay(), false};
        co_return std::nullopt;
    }
    doing_ = "performing the STARTTLS handshake";
    std::string starttls = "STARTTLS";
    smtp::Reply ready = co_await command(std::move(starttls), settings_.params.starttls_timeout());
    if (!ready.is_success())
        co_return DestinationFailure{"4.7.4",
            "TLS is required, but host " + server_.said() + " refused to start TLS: " + text::printable(ready.text()),
            server_.relay(), false};
    stream_.set_timeout(settings_.params.starttls_timeout());
    require_silence();
    co_await stream_.start_tls_client(*settings_.tls, server_.name);
    smtp::Reply again = co_await say_hello();  // what was offered in clear counts no more (RFC 3207, 4.2)
    if (!again.is_success())
        co_return refused(again, settings_.lmtp ? "LHLO" : "EHLO");
    co_return std::nullopt;
}

// What no use of this server could deliver.
bool Session::refuse_unfit(Job& job) {
    const auto& request = job.request;
    std::string dsn, reason;
    if (size_known_ && size_limit_ > 0 && request.content.length > size_limit_) {
        dsn = "5.3.4";
        reason = fmt::format(
            "message size {} exceeds size limit {} of server {}", request.content.length, size_limit_, server_.said());
    } else if ((request.mail.flags & envelope::kSmtpUtf8) && !utf8_) {
        dsn = "5.6.7";
        reason = fmt::format("SMTPUTF8 is required, but was not offered by host {}", server_.said());
    } else if (has_control_character(request.mail.sender)) {
        dsn = "5.1.7";
        reason = "the sender address has a control character";
    }
    if (reason.empty())
        return false;
    job.finish_all(delivery::make_result(DeliverStatus::bounced, dsn, reason, server_.relay()));
    return true;
}

std::string Session::mail_command(const delivery::DeliverRequest& request) const {
    std::string text = address::mail_from(request.mail.sender);
    if (size_known_)
        text += fmt::format(" SIZE={}", request.content.length);
    if (eight_bit_ && (request.mail.flags & envelope::kEightBit))
        text += " BODY=8BITMIME";
    if (utf8_ && (request.mail.flags & envelope::kSmtpUtf8))
        text += " SMTPUTF8";
    // RFC 3461, 5.2.1: passed on as it came. The envelope id is in xtext already.
    if (dsn_ && request.mail.ret != envelope::Ret::unsaid)
        text += fmt::format(" RET={}", envelope::format_ret(request.mail.ret));
    if (dsn_ && envelope::is_envid(request.mail.envid))
        text += " ENVID=" + request.mail.envid;
    return text + "\r\n";
}

std::string Session::rcpt_command(const envelope::Recipient& recipient) const {
    std::string text = address::rcpt_to(recipient.address);
    if (!dsn_)
        return text + "\r\n";
    if (recipient.notify != 0 && envelope::is_notify(recipient.notify))
        text += " NOTIFY=" + envelope::format_notify(recipient.notify);
    // Where the sender said nothing, what we know of the first address, as Postfix does it.
    const std::string orcpt = envelope::is_orcpt(recipient.orcpt) ? recipient.orcpt
                                                                  : envelope::make_orcpt(recipient.given());
    if (envelope::is_orcpt(orcpt))
        text += " ORCPT=" + orcpt;
    return text + "\r\n";
}

RecipientResult Session::outcome(const smtp::Reply& reply, const char* command) const {
    DeliverStatus status = reply.is_success()     ? DeliverStatus::delivered
                           : reply.is_permanent() ? DeliverStatus::bounced
                                                  : DeliverStatus::deferred;
    char reply_class = static_cast<char>('0' + reply.code / 100);
    std::string dsn = reply.dsn.empty() ? std::string(1, reply_class) + ".0.0" : reply.dsn;
    std::string words = text::printable(reply.text());
    std::string text = words;
    if (!reply.is_success()) {
        text = *command == '\0' ? fmt::format("host {} refused to talk to me: {}", server_.said(), words)
                                : fmt::format("host {} said: {} (in reply to {} command)", server_.said(), words, command);
    }
    RecipientResult result = delivery::make_result(status, std::move(dsn), std::move(text), server_.relay());
    // RFC 3461, 5.2.2: who announces DSN takes over to report; from another nothing more will be heard.
    if (reply.is_success() && dsn_)
        result.action = envelope::Action::passed_on;
    else if (reply.is_success() && !(settings_.lmtp && settings_.params.assume_final()))
        result.action = envelope::Action::relayed;
    result.remote_mta = server_.name;
    result.remote_reply = std::move(words);
    return result;
}

// True where at least one recipient was accepted and the server waits for the content.
event::Task<bool> Session::send_envelope(Job& job) {
    accepted_.clear();
    const Params& params = settings_.params;
    std::vector<const DeliverRecipient*> asked;
    for (const DeliverRecipient& recipient : job.request.recipients) {
        if (has_control_character(recipient.recipient.address)) {
            RecipientResult bad = delivery::make_result(
                DeliverStatus::bounced, "5.1.3", "the recipient address has a control character", "none");
            job.finish(recipient, std::move(bad));
        } else {
            asked.push_back(&recipient);
        }
    }
    if (asked.empty())
        co_return false;
    // Everything that needs no answer in between goes out at once, where the server can take that.
    doing_ = "sending MAIL FROM";
    stream_.set_timeout(params.mail_timeout());
    stream_.write(mail_command(job.request));
    if (pipelining_) {
        for (const DeliverRecipient* recipient : asked)
            stream_.write(rcpt_command(recipient->recipient));
        stream_.write("DATA\r\n");
    }
    smtp::Reply mail = co_await answer();
    anything_read_ = true;
    if (!mail.is_success() && !pipelining_) {
        RecipientResult refused = outcome(mail, "MAIL FROM");
        job.finish_all(refused);
        co_await reset();
        co_return false;
    }
    doing_ = "sending RCPT TO";
    stream_.set_timeout(params.rcpt_timeout());
    for (const DeliverRecipient* recipient : asked) {
        if (!pipelining_) {
            require_silence();
            stream_.write(rcpt_command(recipient->recipient));
        }
        smtp::Reply reply = co_await answer();
        if (reply.is_success() && mail.is_success()) {
            accepted_.push_back(recipient);
        } else {
            // Where MAIL was refused, that is the reason, whatever the server says to the rest.
            RecipientResult refused = mail.is_success() ? outcome(reply, "RCPT TO") : outcome(mail, "MAIL FROM");
            job.finish(*recipient, std::move(refused));
        }
    }
    if (!pipelining_ && accepted_.empty()) {
        co_await reset();
        co_return false;
    }
    doing_ = "sending DATA command";
    stream_.set_timeout(params.data_init_timeout());
    if (!pipelining_) {
        require_silence();
        stream_.write("DATA\r\n");
    }
    smtp::Reply data = co_await smtp::read_reply(stream_);
    // 2xx here says that a message is finished which has not begun, and no other 3xx is known: no telling what it waits for.
    if (data.code != 354 && !data.is_error())
        throw event::StreamError(event::StreamError::Kind::protocol,
            "protocol error: the server does not answer DATA with 354: " + text::printable(data.text()));
    if (data.code == 354 && !accepted_.empty())
        co_return true;
    if (data.code == 354) {
        // RFC 2920, 3.1: the server waits for a message that has no recipient. It gets an empty one.
        stream_.write(".\r\n");
        smtp::Reply nothing = co_await answer();
        co_return false;
    }
    RecipientResult refused = outcome(data, "DATA");
    for (const DeliverRecipient* recipient : accepted_)
        job.finish(*recipient, refused);
    co_await reset();
    co_return false;
}

event::Task<void> Session::send_content(Job& job) {
    doing_ = "sending message body";
    stream_.set_timeout(settings_.params.data_xfer_timeout());
    smtp::DataEncoder encoder;
    delivery::ContentReader reader(job);
    std::string wire;
    for (std::string_view block = reader.next(); !block.empty(); block = reader.next()) {
        wire.clear();
        encoder.encode(block, wire);
        stream_.write(wire);
        co_await stream_.drain();
    }
    wire.clear();
    encoder.finish(wire);
    // A refusal may come early, and stands; what says yes to a message that has not ended is no answer to it.
    const std::string_view early = stream_.arrived();
    if (!early.empty() && early[0] != '4' && early[0] != '5')
        require_silence();
    stream_.write(wire);
}

event::Task<void> Session::read_outcome(Job& job) {
    doing_ = "sending end of data -- message may be sent more than once";
    stream_.set_timeout(settings_.params.data_done_timeout());
    if (settings_.lmtp) {
        // RFC 2033, 4.2: a reply for each recipient that was accepted, in order.
        for (const DeliverRecipient* recipient : accepted_) {
            smtp::Reply reply = co_await answer();
            job.finish(*recipient, outcome(reply, "end of DATA"));
        }
        co_return;
    }
    smtp::Reply reply = co_await answer();
    for (const DeliverRecipient* recipient : accepted_)
        job.finish(*recipient, outcome(reply, "end of DATA"));
}

event::Task<void> Session::reset() {
    doing_ = "sending RSET";
    require_silence();
    stream_.set_timeout(settings_.params.rcpt_timeout());
    stream_.write("RSET\r\n");
    smtp::Reply reply = co_await answer();
    usable_ = usable_ && reply.is_success();
}

event::Task<void> Session::converse(Job& job) {
    require_silence();
    bool wanted = co_await send_envelope(job);
    if (!wanted)
        co_return;
    co_await send_content(job);
    co_await read_outcome(job);
    ++messages_;
}

event::Task<void> Session::deliver(Job& job) {
    stale_ = anything_read_ = false;
    if (refuse_unfit(job))
        co_return;
    std::optional<DestinationFailure> broken;
    try {
        co_await converse(job);
    } catch (const event::StreamError& error) {
        broken = trouble(error);
    } catch (const std::runtime_error& error) {
        broken = DestinationFailure{"4.3.0", error.what(), server_.relay(), false};
    }
    if (!broken)
        co_return;
    usable_ = false;
    // A kept connection that the server had closed meanwhile says nothing about the message.
    stale_ = !anything_read_ && messages_ > 0;
    if (!stale_)
        job.finish_all(delivery::make_result(DeliverStatus::deferred, broken->dsn, broken->text, broken->relay));
}

event::Task<void> Session::quit() {
    usable_ = false;
    std::string failed;
    try {
        std::string text = "QUIT";
        std::chrono::seconds patience = std::min(settings_.params.quit_timeout(), std::chrono::seconds(5));
        co_await command(std::move(text), patience);
    } catch (const event::StreamError& error) {
        failed = error.what();  // it goes either way
    }
}

}  // namespace lmtp
