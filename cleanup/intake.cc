#include "cleanup/intake.h"

#include <chrono>

#include "cleanup/trace.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "lib/time/clock.h"

namespace cleanup {
namespace {

using ipc::records::CleanupEnd;
using ipc::records::CleanupOpen;
using ipc::records::CleanupReply;

constexpr std::size_t kPart = 256 << 10;
constexpr std::size_t kMaxRecipients = 200'000;

}  // namespace

Intake::Intake(Service& service, std::string queue_id, CleanupOpen open)
    : service_{service}, asker_{service.loop()}, queue_id_{std::move(queue_id)}, open_{std::move(open)} {
    const std::int64_t now = wall_clock::now_us();
    envelope_.queue_id = queue_id_;
    envelope_.mail = open_.mail;
    envelope::Mail& mail = envelope_.mail;
    // A client's clock is ours; a time in the future would keep the message from ever being old.
    mail.arrival_us = mail.arrival_us > 0 ? std::min(mail.arrival_us, now) : now;
    mail.flags &= envelope::kAllFlags;
    if (mail.ret > envelope::Ret::headers)
        mail.ret = envelope::Ret::unsaid;
    if (!mail.sender.empty())
        mail.sender = service_.rewriting().complete(mail.sender);
}

void Intake::add_recipients(std::vector<envelope::Recipient> more) {
    for (envelope::Recipient& recipient : more) {
        if (open_.recipients.size() > kMaxRecipients)
            return;  // finish() refuses
        open_.recipients.push_back(std::move(recipient));
    }
}

// Our own mail is signed; that of strangers, where it leaves us, is sealed. Both have to see the content from its beginning.
void Intake::begin_signatures() {
    SigningHouse* signer = service_.signer();
    if (signer == nullptr)
        return;
    const bool forward = (open_.handling & ipc::records::kCleanupForward) != 0;
    if (signer->signs() && !forward && (open_.handling & ipc::records::kCleanupOurs) != 0) {
        signing_.emplace(*signer);
        open_.prepend_room += kSignatureRoom;
    }
    if (leaves_us_) {
        sealing_.emplace(*signer, service_.seal_site());
        open_.prepend_room += kSealRoom;
    }
}

// What a stranger sent, or a user redirects.
bool Intake::may_be_sealed() const {
    using namespace ipc::records;
    const bool forward = (open_.handling & kCleanupForward) != 0;
    const bool internal = (open_.mail.flags & envelope::kInternalMail) != 0;
    const bool stranger = !open_.mail.client.protocol.empty() && !internal && (open_.handling & kCleanupOurs) == 0;
    return service_.signer() != nullptr && service_.signer()->seals() && (forward || stranger);
}

// The header can only begin when all recipients are known: Received names a single one.
event::Task<void> Intake::begin_content() {
    co_await resolve_recipients();
    const std::int64_t arrival = envelope_.mail.arrival_us / 1'000'000;
    HeaderFacts facts;
    facts.queue_id = queue_id_;
    facts.sender = envelope_.mail.sender;
    facts.full_name = open_.full_name;
    facts.arrival = arrival;
    facts.local_origin = (open_.mail.flags & envelope::kLocalOrigin) != 0;
    if (facts.local_origin)
        facts.complete = [this](const std::string& address) { return service_.rewriting().complete(address); };
    filter_.emplace(service_.header_rules(), std::move(facts));
    begin_signatures();
    const HeaderRules& rules = service_.header_rules();
    out_ = format_received(open_, queue_id_, TraceSite{rules.myhostname, rules.mail_name}, arrival);
    filter_->count_hop();
}

bool Intake::over_limit() const {
    const auto limit = static_cast<std::uint64_t>(service_.params().message_size_limit());
    return limit > 0 && content_size_ + out_.size() > limit;
}

event::Task<void> Intake::add_content(std::string octets) {
    if (!filter_)
        co_await begin_content();
    if (trouble_ || over_limit())
        co_return;  // the rest is read and thrown away
    filter_->feed(octets, out_);
    if (out_.size() >= kPart && !over_limit())
        co_await write_part();
}

// In the thread pool.
std::optional<queue::Failure> Intake::append_part(std::string_view part) {
    if (!writer_) {
        began_in_hold_ = (open_.handling & ipc::records::kCleanupHold) != 0;
        auto created = service_.spool().create(
            began_in_hold_ ? queue::QueueName::hold : queue::QueueName::incoming, queue_id_);
        if (!created)
            return created.error();
        writer_.emplace(std::move(*created));
        writer_->reserve(open_.prepend_room);
    }
    const auto written = writer_->append(part);
    if (!written)
        return written.error();
    return std::nullopt;
}

// In the thread pool.
std::optional<queue::Failure> Intake::put_in_front(std::string_view fields) {
    if (fields.empty())
        return std::nullopt;
    const auto done = writer_->prepend(fields);
    return done ? std::nullopt : std::optional{done.error()};
}

event::Task<void> Intake::write_part() {
    std::string part = std::exchange(out_, {});
    content_size_ += part.size();
    if (signing_)
        signing_->feed(part);
    if (sealing_)
        sealing_->feed(part);
    auto job = [this, &part] { return append_part(part); };
    trouble_ = co_await service_.pool().run(std::move(job));
}

bool Intake::is_new(const envelope::Recipient& recipient) {
    const auto limit = static_cast<std::size_t>(service_.params().duplicate_filter_limit());
    std::string key = text::lower(recipient.address);
    if (service_.params().enable_original_recipient())
        key += "\n" + text::lower(recipient.given()) + "\n" + recipient.orcpt + "\n" + std::to_string(recipient.notify);
    if (limit > 0 && seen_.size() >= limit)
        return !seen_.contains(key);
    return seen_.insert(std::move(key)).second;
}

event::Task<void> Intake::resolve_recipients() {
    const bool aliases = (open_.handling & ipc::records::kCleanupNoAliases) == 0;
    const bool ask_where = may_be_sealed();
    for (; resolved_ < open_.recipients.size() && !lookup_failure_; ++resolved_) {
        envelope::Recipient recipient = open_.recipients[resolved_];
        recipient.address = service_.rewriting().complete(recipient.address);
        std::vector<std::string> targets{recipient.address};
        if (aliases) {
            std::expected<std::vector<std::string>, std::string> expanded = co_await service_.rewriting().expand(
                asker_, recipient.address);
            if (!expanded) {
                lookup_failure_ = expanded.error();
                co_return;
            }
            targets = std::move(*expanded);
        }
        note_expansion(recipient, targets);
        for (std::string& target : targets) {
            if (ask_where && !leaves_us_)
                co_await ask_whether_outside(target);
            envelope::Recipient one = recipient;
            one.redirect(std::move(target));
            if (is_new(one))
                envelope_.recipients.push_back(std::move(one));
        }
    }
}

// RFC 3461, 5.2.7.3: who asked about success is told that the address was expanded, and no more about the rest.
void Intake::note_expansion(envelope::Recipient& recipient, const std::vector<std::string>& targets) {
    const bool same = targets.size() == 1 && targets.front() == recipient.address;
    if (same || (recipient.notify & envelope::kNotifySuccess) == 0)
        return;
    envelope_.expanded.push_back(recipient);
    recipient.notify = envelope::without_success(recipient.notify);
}

event::Task<void> Intake::ask_whether_outside(std::string address) {
    const std::expected<bool, std::string> outside = co_await service_.rewriting().is_outside(asker_, std::move(address));
    if (outside)
        leaves_us_ = *outside;
    else
        lookup_failure_ = outside.error();
}

CleanupReply Intake::reply(int code, std::string dsn, std::string reason) const {
    CleanupReply made;
    made.code = code;
    made.dsn = std::move(dsn);
    made.reason = std::move(reason);
    made.queue_id = queue_id_;
    return made;
}

std::optional<CleanupReply> Intake::refusal() const {
    if (trouble_) {
        logging::warning("{}: {}", queue_id_, trouble_->text);
        if (trouble_->disk_full())
            return reply(452, "4.3.1", "insufficient system storage");
        return reply(451, "4.3.0", "queue file write error");
    }
    if (over_limit())
        return reply(552, "5.3.4", "message file too big");
    if (filter_->too_many_hops())
        return reply(554, "5.4.0", "too many hops");
    if (open_.recipients.size() > kMaxRecipients)
        return reply(452, "4.5.3", "too many recipients");
    if (open_.recipients.empty())
        return reply(550, "5.1.0", "no recipients specified");
    return std::nullopt;
}

void Intake::log_message_id() const {
    if (!filter_->resent_message_id().empty())
        logging::info("{}: resent-message-id={}", queue_id_, filter_->resent_message_id());
    logging::info("{}: message-id={}", queue_id_, filter_->message_id().empty() ? "<>" : filter_->message_id());
}

// In the thread pool.
std::optional<queue::Failure> Intake::commit_file(std::string_view envelope, std::string_view prepend) {
    if (auto trouble = append_part(out_))
        return trouble;
    if (auto trouble = put_in_front(prepend))
        return trouble;
    auto done = writer_->commit(envelope, envelope_.mail.arrival_us, service_.params().queue_directory_fsync());
    writer_.reset();
    if (!done)
        return done.error();
    claim_.emplace(std::move(*done));
    // A large message was begun before somebody said HOLD.
    const bool hold = (open_.handling & ipc::records::kCleanupHold) != 0;
    if (!hold || began_in_hold_)
        return std::nullopt;
    const auto held = claim_->hold();
    return held ? std::nullopt : std::optional{held.error()};
}

event::Task<std::optional<queue::Failure>> Intake::commit(std::string prepend) {
    std::string envelope = queue::encode_envelope(envelope_);
    auto job = [this, &envelope, &prepend] { return commit_file(envelope, prepend); };
    std::optional<queue::Failure> trouble = co_await service_.pool().run(std::move(job));
    if (!trouble && (open_.handling & ipc::records::kCleanupHold) == 0)
        hand_over(std::move(envelope));
    co_return trouble;
}

void Intake::hand_over(std::string envelope) {
    queue::Handover handover = std::move(*claim_).hand_over(std::move(envelope));
    service_.qmgr().hand_over(handover.record, std::move(handover.file));
}

// Whatever is not in the file yet is the rest of what is signed.
event::Task<std::optional<CleanupReply>> Intake::sign(std::string& prepend) {
    if (!signing_)
        co_return std::nullopt;
    signing_->feed(out_);
    Signing::Outcome outcome = co_await signing_->finish(asker_, queue_id_);
    if (!outcome.trouble.empty()) {
        logging::warning("{}: not signed: {}", queue_id_, outcome.trouble);
        co_return reply(451, "4.7.0", "the message cannot be signed now");
    }
    prepend = std::move(outcome.fields) + prepend;
    co_return std::nullopt;
}

event::Task<std::optional<CleanupReply>> Intake::seal(std::string& prepend) {
    if (!sealing_)
        co_return std::nullopt;
    sealing_->feed(out_);
    Sealing::Outcome outcome = co_await sealing_->finish(queue_id_, prepend);
    if (!outcome.trouble.empty()) {
        logging::warning("{}: not sealed: {}", queue_id_, outcome.trouble);
        co_return reply(451, "4.7.0", "the message cannot be sealed now");
    }
    prepend = std::move(outcome.fields) + prepend;
    co_return std::nullopt;
}

// The steps are in the order of intake.h: edited, then signed, then committed; what was verified is in end.prepend.
event::Task<CleanupReply> Intake::finish(CleanupEnd end) {
    open_.handling |= end.handling;
    if (!filter_)
        co_await begin_content();
    filter_->finish(out_);
    std::optional<CleanupReply> refused = refusal();
    if (refused)
        co_return *refused;
    if (!service_.has_room())
        co_return reply(452, "4.3.1", "insufficient system storage");
    co_await resolve_recipients();  // those that came behind the content
    if (lookup_failure_) {
        logging::warning("{}: {}", queue_id_, *lookup_failure_);
        co_return reply(451, "4.3.0", "temporary lookup failure");
    }
    log_message_id();
    refused = co_await sign(end.prepend);
    if (!refused)
        refused = co_await seal(end.prepend);
    if (refused)
        co_return *refused;
    trouble_ = co_await commit(std::move(end.prepend));
    refused = refusal();
    if (refused)
        co_return *refused;
    co_return reply(250, "2.0.0", "queued as " + queue_id_);
}

}  // namespace cleanup
