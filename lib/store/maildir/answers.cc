// Answers that are ready for the wire: made once, kept until there are enough of them, stored in the index.
#include "lib/imap/describe.h"
#include "lib/message/structure.h"
#include "lib/store/maildir/mailbox.h"

namespace store {
namespace {

constexpr std::size_t kMaxPending = 1000;
constexpr std::size_t kMaxPendingOctets = 1024 * 1024;

}  // namespace

Result<std::string_view> MaildirMailbox::answer(std::uint32_t uid, Answer which) {
    return account_->attempt([&]() -> std::string_view {
        std::optional<CacheRecord> cache = reading().txn.find_cache(box_.state.id, uid);
        if (cache) {
            std::string_view found = which == Answer::envelope ? cache->envelope
                                     : which == Answer::body   ? cache->body
                                                               : cache->body_structure;
            if (!found.empty())
                return found;
        }
        return compute(uid, which);
    });
}

std::string_view MaildirMailbox::compute(std::uint32_t uid, Answer which) {
    auto field = [which](Pending& computed) -> std::string& {
        return which == Answer::envelope ? computed.envelope
               : which == Answer::body   ? computed.body
                                         : computed.body_structure;
    };
    if (std::string& known = field(pending(uid)); !known.empty())
        return known;
    if (which == Answer::envelope) {
        Content content = read_header(uid);
        Pending& computed = pending(uid);
        computed.envelope = imap::format_envelope(content.text());
        pending_octets_ += computed.envelope.size();
    } else {
        Content content = read_whole(uid);
        message::Structure structure = message::parse_structure(content.text());
        Pending& computed = pending(uid);
        computed.virtual_size = static_cast<std::int64_t>(structure.root().end.octets());
        computed.body = imap::format_body_structure(structure, content.text(), false);
        computed.body_structure = imap::format_body_structure(structure, content.text(), true);
        if (computed.envelope.empty())
            computed.envelope = imap::format_envelope(content.text());
        pending_octets_ += computed.body.size() + computed.body_structure.size() + computed.envelope.size();
    }
    answer_ = field(pending(uid));
    return answer_;
}

// The entry for what is computed about a message; messages are asked for one after another.
MaildirMailbox::Pending& MaildirMailbox::pending(std::uint32_t uid) {
    if (!pending_.empty() && pending_.back().uid == uid)
        return pending_.back();
    if (pending_.size() >= kMaxPending || pending_octets_ >= kMaxPendingOctets)
        flush_pending();
    pending_.push_back({});
    pending_.back().uid = uid;
    return pending_.back();
}

void MaildirMailbox::flush_pending() {
    std::vector<Pending> all = std::move(pending_);
    pending_.clear();
    pending_octets_ = 0;
    std::erase_if(all, [](const Pending& entry) {
        return entry.date == MailState::kUnknown && entry.virtual_size == MailState::kUnknown && entry.envelope.empty() &&
               entry.body.empty();
    });
    if (all.empty())
        return;
    reading_.reset();
    std::shared_ptr<Index> index = account_->index();
    Txn txn(*index, true);
    std::optional<BoxRecord> box = txn.find_box(directory_);
    if (!box || box->state.uid_validity != uid_validity_)
        return;
    std::uint32_t id = box->state.id;
    for (const Pending& entry : all) {
        std::optional<MailRecord> record = txn.find_mail(id, entry.uid);
        if (!record)
            continue;
        if (entry.date != MailState::kUnknown || entry.virtual_size != MailState::kUnknown) {
            MailState state = record->state;
            std::string name(record->name);
            if (entry.date != MailState::kUnknown)
                state.date = entry.date;
            if (entry.virtual_size != MailState::kUnknown)
                state.virtual_size = entry.virtual_size;
            txn.put_mail(id, entry.uid, state, name);
        }
        if (entry.envelope.empty() && entry.body.empty())
            continue;
        std::string envelope = entry.envelope, body = entry.body, body_structure = entry.body_structure;
        if (std::optional<CacheRecord> old = txn.find_cache(id, entry.uid)) {
            if (envelope.empty())
                envelope = old->envelope;
            if (body.empty())
                body = old->body;
            if (body_structure.empty())
                body_structure = old->body_structure;
        }
        txn.put_cache(id, entry.uid, {envelope, body, body_structure});
    }
    txn.commit();
}

}  // namespace store
