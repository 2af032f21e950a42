// imapd/imap/selected.h - the selected mailbox as the client knows it.
//
// The client counts messages from 1 and is told of every change of that count. This list changes only when
// the client is told: what has gone meanwhile stays in it, without text, until EXPUNGE may be said.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "imapd/sessions/wire.h"
#include "lib/imap/sequence_set.h"
#include "lib/store/mailbox.h"

namespace imapd {

class Selected {
  public:
    Selected(std::unique_ptr<store::Mailbox> mailbox, bool read_only)
        : mailbox_(std::move(mailbox)), read_only_(read_only) {}

    // Reads the list for the first time. SELECT claims what is recent, EXAMINE looks at it. Where `before` was
    // the same mailbox and nothing has changed since, its list is taken over.
    store::Result<void> begin(Selected* before = nullptr);

    // What SELECT says first: FLAGS, EXISTS, RECENT and the codes.
    store::Result<void> announce(sessions::Wire& wire);

    // Tells what others did. Without `expunges` the numbers of messages stay as they are.
    store::Result<void> report(sessions::Wire& wire, bool expunges);

    // After a change of flags by this session: what the list holds now, without telling.
    void adopt(const std::vector<store::Message>& changed, store::Modseq modseq_before);

    store::Mailbox& mailbox() { return *mailbox_; }
    bool read_only() const { return read_only_; }
    const std::vector<store::Message>& list() const { return list_; }

    // 1-based numbers of the messages meant; UIDs that are not there are left out.
    std::vector<std::uint32_t> numbers(const imap::SequenceSet& set, bool uids) const;

    // "(\Seen \Recent)"
    std::string flags_of(const store::Message& message) const;
    bool is_recent(std::uint32_t uid) const { return imap::contains(recent_, uid); }

    // FLAGS and PERMANENTFLAGS, when the keywords are not those that the client knows.
    void tell_keywords(sessions::Wire& wire, bool always = false);

  private:
    store::Result<void> claim();
    std::uint32_t recent_count() const;

    std::unique_ptr<store::Mailbox> mailbox_;
    bool read_only_;
    std::vector<store::Message> list_;
    std::vector<imap::Range> recent_;
    std::vector<std::string> told_keywords_;
    store::Modseq seen_modseq_ = 0;  // of the list
    bool ghosts_ = false;            // the list holds messages that are gone
};

}  // namespace imapd
