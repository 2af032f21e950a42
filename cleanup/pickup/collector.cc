#include "cleanup/pickup/collector.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

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
constexpr std::size_t kBlock = 60 << 10;

std::string read_block(int file, std::uint64_t at, std::uint64_t end) {
    std::string block(std::min<std::uint64_t>(kBlock, end - at), '\0');
    const ssize_t got = block.empty() ? 0 : pread(file, block.data(), block.size(), static_cast<off_t>(at));
    block.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return block;
}

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
    const event::Fd lock{openat(spool_.root(), "maildrop", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        co_return;
    auto scan = queue::DirectoryScan::open(spool_, "maildrop");
    if (!scan) {
        logging::warning("{}", scan.error().text);
        co_return;
    }
    event::Scope scope{loop_};
    for (;;) {
        auto job = [&] { return scan->next(kSlice); };
        std::vector<queue::Entry> entries = co_await pool_.run(std::move(job));
        if (entries.empty())
            break;
        for (queue::Entry& entry : entries) {
            co_await places_.acquire();
            scope.spawn(collect_one(std::move(entry.id)));
        }
    }
    co_await scope.close();
}

// Blocks: for the thread pool.
std::unique_ptr<Collector::Letter> Collector::open_letter(const queue::Spool& spool, const std::string& id) {
    auto opened = spool.open_message("maildrop", id, false);
    if (!opened || !*opened)
        return nullptr;  // gone, or not yet ready to be read
    auto letter = std::make_unique<Letter>();
    letter->id = id;
    letter->file = std::move(**opened);
    struct stat info {};
    if (fstat(letter->file.get(), &info) != 0 || queue::is_locked_by_another(letter->file.get()))
        return nullptr;
    if (!S_ISREG(info.st_mode) || info.st_nlink != 1) {
        logging::warning("maildrop/{}: not a regular file with one name; left alone (uid={})", id, info.st_uid);
        return nullptr;
    }
    auto read = queue::read_message(letter->file.get(), queue::Verify::content_too);
    if (!read && read.error().kind == queue::Damage::Kind::damaged) {
        logging::warning("maildrop/{}: {}; moved to corrupt/ (uid={})", id, read.error().text, info.st_uid);
        static_cast<void>(spool.move(id, "maildrop", "corrupt"));
    }
    if (!read)
        return nullptr;
    letter->message = std::move(*read);
    letter->owner = info.st_uid;
    letter->dropped_us = info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1000;
    // A message that was queued before says through whom it came.
    letter->ours = info.st_uid == geteuid() && (info.st_mode & 0077 & ~queue::kExpireBit) == 0;
    return letter;
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

CleanupOpen Collector::make_open(const Letter& letter) {
    const queue::Envelope& envelope = letter.message.envelope;
    CleanupOpen open;
    open.mail = envelope.mail;
    open.mail.client = {};
    open.mail.arrival_us = letter.ours ? envelope.mail.arrival_us : letter.dropped_us;
    open.full_name = envelope.full_name;
    if (!letter.ours)
        open.mail.flags &= ~std::uint32_t{envelope::kInternalMail};
    // What is ours has been through cleanup before, and was signed there if it is to be signed.
    if (!letter.ours)
        open.handling |= ipc::records::kCleanupOurs;
    open.user_id = letter.owner;
    const std::vector<bool> done = done_recipients(letter.message);
    for (std::size_t i = 0; i < done.size(); ++i) {
        if (done[i])
            continue;
        open.recipients.push_back(letter.ours ? as_given(letter.message, envelope.recipients[i]) : envelope.recipients[i]);
    }
    return open;
}

event::Task<void> Collector::collect_one(std::string id) {
    auto job = [&] { return open_letter(spool_, id); };
    std::unique_ptr<Letter> letter = co_await pool_.run(std::move(job));
    if (letter) {
        const queue::Layout& layout = letter->message.layout;
        const std::uint64_t begin = layout.content_offset;
        const std::uint64_t end = begin + layout.content_length;
        std::uint64_t at = begin;
        const int file = letter->file.get();
        queue::CleanupClient::Content content = [&at, begin, end, file](bool restart) {
            at = restart ? begin : at;
            std::string block = read_block(file, at, end);
            at += block.size();
            return block;
        };
        CleanupOpen open = make_open(*letter);
        CleanupReply reply = co_await cleanup_.submit(std::move(open), std::move(content));
        co_await settle(*letter, reply);
    }
    places_.release();
}

event::Task<void> Collector::settle(const Letter& letter, const CleanupReply& reply) {
    if (reply.code == 250) {
        logging::info("{}: uid={} from=<{}>", reply.queue_id, letter.owner, letter.message.envelope.mail.sender);
    } else if (reply.code >= 500) {
        std::string refused = co_await tell_sender(letter, reply);
        if (!refused.empty()) {
            logging::warning("maildrop/{}: {}; the sender cannot be told yet: {}", letter.id, reply.reason, refused);
            co_return;
        }
        logging::info("maildrop/{}: uid={} from=<{}>: returned: {}", letter.id, letter.owner,
            letter.message.envelope.mail.sender, reply.reason);
    } else {
        logging::warning("maildrop/{}: {}; tried again later", letter.id, reply.reason);
        co_return;
    }
    if (const auto removed = spool_.remove("maildrop", letter.id); !removed)
        logging::warning("{}", removed.error().text);
}

event::Task<std::string> Collector::tell_sender(const Letter& letter, const CleanupReply& refusal) {
    BounceRequest request;
    request.request_id = 1;
    request.queue_id = letter.id;
    request.mail = letter.message.envelope.mail;
    request.mail.flags = 0;
    request.mail.arrival_us = letter.dropped_us;
    request.content = letter.message.layout.content();
    for (const envelope::Recipient& from : letter.message.envelope.recipients) {
        BounceRecipient& to = request.recipients.emplace_back();
        to.recipient = from;
        to.dsn = refusal.dsn;
        to.text = refusal.reason;
        to.when = letter.dropped_us / 1'000'000;
    }
    event::Fd content{fcntl(letter.file.get(), F_DUPFD_CLOEXEC, 0)};
    std::expected<BounceReply, std::string> reply = co_await bounce_.ask(std::move(request), std::move(content));
    if (!reply)
        co_return reply.error();
    co_return reply->ok ? std::string() : reply->reason;
}

}  // namespace pickup
