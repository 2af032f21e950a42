// DATA (RFC 5321, 4.1.1.4): the message streams through to cleanup, which answers once it is on the disk.
#include "lib/smtp/data.h"
#include "lib/delivery/agent.h"
#include "lib/log/log.h"
#include "smtpd/reception.h"

namespace smtpd {

using smtp::Reply;

namespace {
constexpr std::size_t kChunk = 32768;
constexpr std::size_t kRecipientsPerRecord = 1000;
}  // namespace

event::Task<bool> Session::take_cleanup() {
    std::expected<ipc::CleanupPool::Lease, std::string> lease = co_await services_.cleanup.take();
    if (lease) {
        transaction_->cleanup = std::move(*lease);
        log_client();
    } else {
        logging::warning("cleanup cannot be reached: {}", lease.error());
        transaction_->cleanup.reset();
    }
    co_return lease.has_value();
}

// Cleanup closes a connection that has nothing under way when it is idle for too long or reloads, however long a client
// takes between RCPT and its message; the next cleanup is told everything from the beginning then.
event::Task<void> Session::renew_cleanup(Reception& reception) {
    const bool reached = co_await take_cleanup();
    reception.link_broken = !reached;
    if (!reached)
        co_return;
    open_message(reception);
    if (reception.first)
        transaction_->cleanup->channel.write(*reception.first);
}

// What cleanup must know before the content. It stays in the buffer until there is content to go with it.
void Session::open_message(const Reception& reception) {
    ipc::records::CleanupOpen open;
    Transaction& message = *transaction_;
    open.mail = message.mail;
    open.handling = message.handling;
    if (message.completes_headers)
        open.mail.flags |= envelope::kLocalOrigin;
    if (message.ours)
        open.handling |= ipc::records::kCleanupOurs;
    open.mail.client.name = client_name_;
    open.mail.client.address = client_address_;
    open.mail.client.port = client_port_;
    open.mail.client.helo = helo_;
    open.mail.client.protocol = "SMTP";
    if (extended_)
        open.mail.client.protocol = std::string("ESMTP") + (peer_.is_tls() ? "S" : "") + (login_.empty() ? "" : "A");
    open.mail.client.sasl_method = login_method_;
    open.mail.client.sasl_username = login_;
    if (peer_.is_tls() && params_.tls_received_header()) {
        event::TlsInfo info = peer_.tls_info();
        open.trace_comments.push_back(
            fmt::format("using {} with cipher {} ({}/{} bits)", info.protocol, info.cipher, info.bits, info.algorithm_bits));
    }
    if (!login_.empty() && params_.sasl_authenticated_header())
        open.trace_comments.push_back("Authenticated sender: " + login_);
    if (reception.inspection && reception.inspection->may_prepend())
        open.prepend_room = authentication::kPrependRoom;
    std::vector<envelope::Recipient>& all = message.recipients;
    std::size_t first = std::min(all.size(), kRecipientsPerRecord);
    open.recipients.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(first));
    message.cleanup->channel.write(open);
    for (std::size_t done = first; done < all.size(); done += kRecipientsPerRecord) {
        ipc::records::CleanupRecipients more;
        std::size_t end = std::min(all.size(), done + kRecipientsPerRecord);
        more.recipients.assign(
            all.begin() + static_cast<std::ptrdiff_t>(done), all.begin() + static_cast<std::ptrdiff_t>(end));
        message.cleanup->channel.write(more);
    }
}

// Hands the decoded part on; a cleanup that is slow holds the client back.
event::Task<void> Session::forward(Reception& reception) {
    if (reception.chunk.empty() || !reception.sends()) {
        reception.chunk.clear();
        co_return;
    }
    ipc::records::CleanupContent content;
    content.octets = std::move(reception.chunk);
    reception.chunk.clear();
    const bool is_first = !std::exchange(reception.begun, true);
    reception.first.reset();
    if (is_first && ipc::is_gone(transaction_->cleanup->channel.stream())) {
        co_await renew_cleanup(reception);
        if (reception.link_broken)
            co_return;
    }
    std::string failure;
    try {
        transaction_->cleanup->channel.write(content);
        if (is_first)
            reception.first = std::move(content);
        co_await transaction_->cleanup->channel.stream().drain();
    } catch (const event::StreamError& error) {
        failure = error.what();
    }
    if (!failure.empty()) {
        logging::warning(
            "{}: cleanup went away in the middle of the message: {}", transaction_->cleanup->memo.queue_id, failure);
        reception.link_broken = true;
    }
}

event::Task<void> Session::receive(Reception& reception) {
    std::int64_t limit = params_.message_size_limit();
    event::Clock::time_point began = event::Clock::now();
    std::int64_t arrived = 0;
    while (!reception.decoder.ended()) {
        // A grace, and beyond it a rate: a message cannot be made to last for ever by dripping.
        auto allowed = params_.timeout() + std::chrono::seconds(arrived / params_.min_data_rate());
        peer_.set_deadline(began + allowed);
        std::string_view some = co_await peer_.read_some();
        if (some.empty())
            throw event::StreamError(event::StreamError::Kind::eof, "lost connection");
        std::string& decoded = reception.inspection ? reception.fresh : reception.chunk;
        std::size_t before = decoded.size();
        std::size_t taken = reception.decoder.decode(some, decoded);
        peer_.consume(taken);
        arrived += static_cast<std::int64_t>(taken);
        reception.size += static_cast<std::int64_t>(decoded.size() - before);
        if (limit > 0 && reception.size > limit)
            reception.too_large = true;
        if (reception.inspection) {
            if (reception.sends())
                reception.inspection->take(reception.fresh, reception.chunk);
            reception.fresh.clear();
        }
        if (reception.chunk.size() >= kChunk || !reception.sends())
            co_await forward(reception);
    }
    peer_.set_deadline(std::nullopt);
}

// Why the whole message is refused, now that it is here; code 0 where it is not.
Reply Session::judge(const Reception& reception) {
    if (reception.too_large)
        return Reply(552, "5.3.4", "Error: message too large");
    bool bare = reception.decoder.saw_bare_lf() || reception.decoder.saw_bare_cr();
    if (bare && params_.forbid_bare_newline() == "reject")
        return Reply(params_.bare_newline_reject_code(), "5.5.2",
            std::string("Error: bare ") + (reception.decoder.saw_bare_lf() ? "<LF>" : "<CR>") + " received");
    if (reception.link_broken)
        return Reply(451, "4.3.0", "Error: queue file write error");
    return Reply();
}

event::Task<std::expected<ipc::records::CleanupReply, std::string>> Session::end_message(
    const ipc::records::CleanupEnd& end) {
    ipc::Channel& channel = transaction_->cleanup->channel;
    std::string failure;
    try {
        channel.write(end);
        channel.stream().set_timeout(params_.ipc_timeout());
        std::expected<ipc::records::CleanupReply, std::string> answer =
            co_await channel.receive<ipc::records::CleanupReply>();
        co_return std::move(answer);
    } catch (const event::StreamError& error) {
        failure = error.what();
    }
    co_return std::unexpected(std::move(failure));
}

event::Task<Reply> Session::close_message(Reception& reception) {
    co_await forward(reception);
    Reply refused = judge(reception);
    if (refused.code != 0 || transaction_->discard) {
        if (!reception.link_broken) {
            transaction_->cleanup->channel.write(ipc::records::CleanupAbort());
            transaction_->cleanup->channel.stream().push();
        } else {
            transaction_->cleanup.reset();
        }
        if (refused.code == 0)
            co_return Reply(250, "2.0.0", "Ok");
        log_reject("END-OF-MESSAGE", refused, facts());
        co_return refused;
    }
    ipc::records::CleanupEnd end;
    if (reception.inspection) {
        end.prepend = reception.inspection->prepend();
        end.handling = reception.inspection->holds() ? ipc::records::kCleanupHold : 0;
    }
    std::expected<ipc::records::CleanupReply, std::string> answer = co_await end_message(end);
    const bool said_whole = reception.first || !reception.begun;
    if (!answer && said_whole && transaction_->cleanup->channel.stream().unread_by_peer()) {
        // It left just as it was told: it has not read the end, so it has not queued the message.
        co_await renew_cleanup(reception);
        if (!reception.link_broken)
            answer = co_await end_message(end);
    }
    if (!answer) {
        if (transaction_->cleanup)
            logging::warning("{}: no answer from cleanup: {}", transaction_->cleanup->memo.queue_id, answer.error());
        transaction_->cleanup.reset();
        co_return Reply(451, "4.3.0", "Error: queue file write error");
    }
    transaction_->cleanup->memo.queue_id = answer->next_queue_id;
    if (answer->code == 250)
        co_return Reply(250, "2.0.0", "Ok: queued as " + answer->queue_id);
    co_return Reply(answer->code, answer->dsn, "Error: " + answer->reason);
}

event::Task<Reply> Session::data(std::string_view argument) {
    if (!argument.empty())
        co_return Reply(501, "5.5.4", "Syntax: DATA");
    if (transaction_->recipients.empty())
        co_return Reply(554, "5.5.1", "Error: no valid recipients");
    Facts known = facts();
    std::optional<Reply> refused = co_await evaluate(Stage::data, known);
    if (refused)
        co_return *refused;
    peer_.write("354 End data with <CR><LF>.<CR><LF>\r\n");
    Reception reception;
    if (!transaction_->ours)
        reception.inspection.emplace(services_.gate, asker_, dns_ ? &*dns_ : nullptr, std::move(transaction_->checked));
    open_message(reception);
    co_await receive(reception);
    known = facts();
    refused = co_await evaluate(Stage::end_of_data, known);
    if (!refused && reception.inspection && judge(reception).code == 0)
        refused = co_await finish_inspection(reception);
    Reply reply;
    if (refused) {
        co_await forward(reception);
        if (reception.link_broken) {
            transaction_->cleanup.reset();
        } else {
            transaction_->cleanup->channel.write(ipc::records::CleanupAbort());
            transaction_->cleanup->channel.stream().push();
        }
        reply = *refused;
    } else {
        reply = co_await close_message(reception);
    }
    if (reply.code == 250)
        junk_ = errors_ = 0;
    end_transaction();
    co_return reply;
}

}  // namespace smtpd
