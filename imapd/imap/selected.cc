#include "imapd/imap/selected.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/text/append.h"

namespace imapd {

store::Result<void> Selected::begin(Selected* before) {
    if (auto fresh = mailbox_->refresh(); !fresh)
        return fresh;
    store::Result<store::MailboxStatus> status = mailbox_->status();
    if (!status)
        return std::unexpected(status.error());
    if (read_only_ && status->recent > 0)
        recent_.push_back({status->uid_next - status->recent, UINT32_MAX});
    if (auto claimed = claim(); !claimed)
        return claimed;
    bool same = before && before->mailbox_->name() == mailbox_->name() && !before->ghosts_ &&
                before->seen_modseq_ == mailbox_->highest_modseq();
    if (same) {
        list_ = std::move(before->list_);
    } else {
        auto messages = mailbox_->messages();
        if (!messages)
            return std::unexpected(messages.error());
        list_ = std::move(*messages);
    }
    seen_modseq_ = mailbox_->highest_modseq();
    if (read_only_ && status->recent > 0 && list_.size() >= status->recent)
        recent_[0].first = list_[list_.size() - status->recent].uid;
    return {};
}

store::Result<void> Selected::claim() {
    if (read_only_)
        return {};
    store::Result<std::uint32_t> first = mailbox_->claim_recent();
    if (!first)
        return std::unexpected(first.error());
    store::Result<store::MailboxStatus> status = mailbox_->status();
    if (!status)
        return std::unexpected(status.error());
    if (*first >= status->uid_next)
        return {};
    std::uint32_t last = status->uid_next - 1;
    if (!recent_.empty() && recent_.back().last + 1 == *first)
        recent_.back().last = last;
    else
        recent_.push_back({*first, last});
    return {};
}

std::uint32_t Selected::recent_count() const {
    std::uint32_t count = 0;
    for (const imap::Range& range : recent_) {
        auto by_uid = [](const store::Message& message, std::uint32_t uid) { return message.uid < uid; };
        auto first = std::lower_bound(list_.begin(), list_.end(), range.first, by_uid);
        for (; first != list_.end() && first->uid <= range.last; ++first)
            ++count;
    }
    return count;
}

void Selected::tell_keywords(sessions::Wire& wire, bool always) {
    if (!always && told_keywords_ == mailbox_->keywords())
        return;
    told_keywords_ = mailbox_->keywords();
    std::string names;
    for (const std::string& keyword : told_keywords_) {
        if (!keyword.empty())
            names += " " + keyword;
    }
    constexpr std::string_view kSystem = "\\Answered \\Flagged \\Deleted \\Seen \\Draft";
    wire.write(fmt::format("* FLAGS ({}{})\r\n", kSystem, names));
    if (read_only_)
        wire.write("* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n");
    else
        wire.write(fmt::format("* OK [PERMANENTFLAGS ({}{}{})] Flags permitted.\r\n", kSystem, names,
            mailbox_->takes_keywords() ? " \\*" : ""));
}

store::Result<void> Selected::announce(sessions::Wire& wire) {
    store::Result<store::MailboxStatus> status = mailbox_->status();
    if (!status)
        return std::unexpected(status.error());
    tell_keywords(wire, true);
    wire.write(fmt::format("* {} EXISTS\r\n* {} RECENT\r\n", list_.size(), recent_count()));
    if (status->first_unseen != 0)
        wire.write(fmt::format("* OK [UNSEEN {}] First unseen.\r\n", status->first_unseen));
    wire.write(fmt::format("* OK [UIDVALIDITY {}] UIDs valid\r\n* OK [UIDNEXT {}] Predicted next UID\r\n",
        status->uid_validity, status->uid_next));
    return {};
}

store::Result<void> Selected::report(sessions::Wire& wire, bool expunges) {
    if (auto fresh = mailbox_->refresh(); !fresh)
        return fresh;
    if (mailbox_->highest_modseq() == seen_modseq_ && !(ghosts_ && expunges))
        return {};
    if (auto claimed = claim(); !claimed)
        return claimed;
    auto read = mailbox_->messages();
    if (!read)
        return std::unexpected(read.error());
    const std::vector<store::Message>& now = *read;
    seen_modseq_ = mailbox_->highest_modseq();
    tell_keywords(wire);

    std::vector<store::Message> list;
    list.reserve(now.size());
    std::vector<std::uint32_t> changed;
    ghosts_ = false;
    std::size_t next = 0;
    std::string text;
    for (const store::Message& known : list_) {
        while (next < now.size() && now[next].uid < known.uid)
            ++next;
        bool there = next < now.size() && now[next].uid == known.uid;
        if (!there && expunges) {
            text::append(text, "* {} EXPUNGE\r\n", list.size() + 1);
            continue;
        }
        ghosts_ = ghosts_ || !there;
        list.push_back(there ? now[next] : known);
        if (there && now[next].flags != known.flags)
            changed.push_back(static_cast<std::uint32_t>(list.size()));
    }
    std::uint32_t last = list_.empty() ? 0 : list_.back().uid;
    bool more = false;
    for (; next < now.size(); ++next) {
        if (now[next].uid > last) {
            list.push_back(now[next]);
            more = true;
        }
    }
    list_ = std::move(list);
    if (more)
        text::append(text, "* {} EXISTS\r\n* {} RECENT\r\n", list_.size(), recent_count());
    for (std::uint32_t number : changed) {
        const store::Message& message = list_[number - 1];
        text::append(text, "* {} FETCH (UID {} FLAGS {})\r\n", number, message.uid, flags_of(message));
        if (text.size() > 65536) {
            wire.write(text);
            text.clear();
        }
    }
    wire.write(text);
    return {};
}

void Selected::adopt(const std::vector<store::Message>& changed, std::uint64_t modseq_before) {
    auto by_uid = [](const store::Message& a, const store::Message& b) { return a.uid < b.uid; };
    for (const store::Message& message : changed) {
        auto found = std::lower_bound(list_.begin(), list_.end(), message, by_uid);
        if (found != list_.end() && found->uid == message.uid)
            found->flags = message.flags;
    }
    // If it was only us, there is nothing more to read.
    if (seen_modseq_ == modseq_before && mailbox_->highest_modseq() == modseq_before + 1)
        seen_modseq_ = mailbox_->highest_modseq();
}

std::vector<std::uint32_t> Selected::numbers(const imap::SequenceSet& set, bool uids) const {
    std::vector<std::uint32_t> numbers;
    if (list_.empty())
        return numbers;
    std::uint32_t largest = uids ? list_.back().uid : static_cast<std::uint32_t>(list_.size());
    for (const imap::Range& range : set.resolve(largest)) {
        if (!uids) {
            for (std::uint32_t number = range.first; number <= range.last; ++number)
                numbers.push_back(number);
            continue;
        }
        auto by_uid = [](const store::Message& message, std::uint32_t uid) { return message.uid < uid; };
        auto first = std::lower_bound(list_.begin(), list_.end(), range.first, by_uid);
        for (; first != list_.end() && first->uid <= range.last; ++first)
            numbers.push_back(static_cast<std::uint32_t>(first - list_.begin()) + 1);
    }
    return numbers;
}

std::string Selected::flags_of(const store::Message& message) const {
    std::string flags = "(" + store::format_flags(message.flags, mailbox_->keywords());
    if (is_recent(message.uid))
        flags += flags.size() > 1 ? " \\Recent" : "\\Recent";
    return flags + ")";
}

}  // namespace imapd
