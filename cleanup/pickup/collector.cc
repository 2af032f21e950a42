#include "cleanup/pickup/collector.h"

#include <fcntl.h>

#include <algorithm>

#include "lib/event/error.h"
#include "lib/ipc/records/bounce.h"
#include "lib/log/log.h"

namespace pickup {

using namespace std::chrono_literals;
using ipc::records::BounceRecipient;
using ipc::records::BounceReply;
using ipc::records::BounceRequest;
using ipc::records::CleanupOpen;
using ipc::records::CleanupReply;

namespace {

constexpr std::size_t kSlice = 100;
constexpr std::size_t kAtOnce = 20;

// Requeued mail: who has it already does not get it again.
std::vector<bool> done_recipients(const queue::Message& message) {
    std::vector<bool> done(message.envelope.recipients.size(), false);
    for (const queue::Status& status : message.statuses) {
        if (status.recipient < done.size())
            done[status.recipient] = status.outcome == queue::Outcome::delivered ||
                                     status.outcome == queue::Outcome::reported;
    }
    return done;
}

}  // namespace

Collector::Collector(event::Loop& loop, const queue::Spool& spool)
    : loop_{loop},
      spool_{spool},
      pool_{loop, 4},
      cleanup_{loop},
      bounce_{loop, ipc::ServiceSettings("private/bounce", 30s)},
      places_{loop, kAtOnce},
      wanted_notice_{loop} {}

void Collector::look() {
    wanted_ = true;
    wanted_notice_.notify_all();
}

event::Task<void> Collector::run() {
    for (;;) {
        while (!wanted_)
            co_await wanted_notice_.wait();
        wanted_ = false;
        co_await collect();
    }
}

// One process at a time: after a reload the old one may still be at it.
event::Task<void> Collector::collect() {
    const std::optional<event::Fd> lock = spool_.lock_submissions();
    if (!lock)
        co_return;
    queue::Scan scan = spool_.scan({queue::QueueName::maildrop});
    event::Scope scope{loop_};
    for (;;) {
        auto job = [&] { return scan.next(kSlice); };
        std::vector<queue::Entry> entries = co_await pool_.run(std::move(job));
        if (entries.empty())
            break;
        for (queue::Entry& entry : entries) {
            co_await places_.acquire();
            scope.spawn(collect_one(std::move(entry.id)));
        }
    }
    co_await scope.close();
    if (const auto trouble = scan.trouble())
        logging::warning("{}", trouble->text);
}

namespace {

// What was queued before is rewritten anew. Where the sender has not been told yet that the address was expanded, it is the
// one to be told about again.
envelope::Recipient as_given(const queue::Message& message, const envelope::Recipient& recipient) {
    const auto& expanded = message.envelope.expanded;
    const auto found = std::find_if(
        expanded.begin(), expanded.end(), [&](const envelope::Recipient& one) { return one.given() == recipient.given(); });
    if (found != expanded.end() && !message.expansion_reported())
        return *found;
    envelope::Recipient given = recipient;
    given.redirect(recipient.given());
    return given;
}

}  // namespace

CleanupOpen Collector::make_open(const queue::Submission& letter) {
    const queue::Envelope& envelope = letter.message.envelope;
    CleanupOpen open;
    open.mail = envelope.mail;
    open.mail.client = {};
    open.mail.arrival_us = letter.requeued ? envelope.mail.arrival_us : letter.dropped_us;
    open.full_name = envelope.full_name;
    if (!letter.requeued)
        open.mail.flags &= ~std::uint32_t{envelope::kInternalMail};
    // What is ours has been through cleanup before, and was signed there if it is to be signed.
    if (!letter.requeued)
        open.handling |= ipc::records::kCleanupOurs;
    open.user_id = letter.owner;
    const std::vector<bool> done = done_recipients(letter.message);
    for (std::size_t i = 0; i < done.size(); ++i) {
        if (done[i])
            continue;
        open.recipients.push_back(
            letter.requeued ? as_given(letter.message, envelope.recipients[i]) : envelope.recipients[i]);
    }
    return open;
}

event::Task<void> Collector::collect_one(std::string id) {
    auto job = [&] { return spool_.take_submission(id); };
    std::expected<queue::Submission, queue::Refusal> letter = co_await pool_.run(std::move(job));
    if (letter) {
        queue::FileContent::Reader reader{letter->content};
        queue::CleanupClient::Content content = queue::CleanupClient::content_of(reader);
        CleanupOpen open = make_open(*letter);
        CleanupReply reply = co_await cleanup_.submit(std::move(open), std::move(content));
        co_await settle(*letter, reply);
    } else if (!letter.error().text.empty()) {
        logging::warning("{}", letter.error().text);
    }
    places_.release();
}

event::Task<void> Collector::settle(const queue::Submission& letter, const CleanupReply& reply) {
    if (reply.code == 250) {
        logging::info("{}: uid={} from=<{}>", reply.queue_id, letter.owner, letter.message.envelope.mail.sender);
    } else if (reply.code >= 500) {
        std::string refused = co_await tell_sender(letter, reply);
        if (!refused.empty()) {
            logging::warning("{}: {}; the sender cannot be told yet: {}", letter.id, reply.reason, refused);
            co_return;
        }
        logging::info("{}: uid={} from=<{}>: returned: {}", letter.id, letter.owner, letter.message.envelope.mail.sender,
            reply.reason);
    } else {
        logging::warning("{}: {}; tried again later", letter.id, reply.reason);
        co_return;
    }
    if (const auto removed = spool_.remove_submission(letter.id); !removed)
        logging::warning("{}", removed.error().text);
}

event::Task<std::string> Collector::tell_sender(const queue::Submission& letter, const CleanupReply& refusal) {
    BounceRequest request;
    request.request_id = 1;
    request.queue_id = letter.id;
    request.mail = letter.message.envelope.mail;
    request.mail.flags = 0;
    request.mail.arrival_us = letter.dropped_us;
    request.content = letter.content.place();
    for (const envelope::Recipient& from : letter.message.envelope.recipients) {
        BounceRecipient& to = request.recipients.emplace_back();
        to.recipient = from;
        to.dsn = refusal.dsn;
        to.text = refusal.reason;
        to.when = letter.dropped_us / 1'000'000;
    }
    event::Fd content{fcntl(letter.content.descriptor(), F_DUPFD_CLOEXEC, 0)};
    std::expected<BounceReply, std::string> reply = co_await bounce_.ask(std::move(request), std::move(content));
    if (!reply)
        co_return reply.error();
    co_return reply->ok ? std::string() : reply->reason;
}

}  // namespace pickup
