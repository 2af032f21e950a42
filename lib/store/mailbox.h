// lib/store/mailbox.h - one mailbox: its messages, their flags, their text.
//
// A message is its UID. A session keeps the list that it has shown to its client and compares:
//
//     mailbox.refresh();                          // notices what others did; cheap if nothing
//     if (mailbox.highest_modseq() != seen) { now = mailbox.messages(); ... tell the client ...; }
//
// What changes something gives its result when it is durable: a power cut cannot take it back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/store/failure.h"
#include "lib/store/message.h"

namespace store {

class Account;

struct MailboxStatus {
    std::uint32_t messages = 0;
    std::uint32_t recent = 0;
    std::uint32_t unseen = 0;
    std::uint32_t uid_next = 1;
    std::uint32_t uid_validity = 0;
    std::uint32_t first_unseen = 0;  // sequence number; 0 if none
    Modseq highest_modseq = 0;
};

enum class FlagChange { replace, add, remove };

// Which messages went where, in the order of `uids`.
struct Copied {
    std::uint32_t uid_validity = 0;
    std::vector<std::uint32_t> from;
    std::vector<std::uint32_t> to;
};

// The text of a message, as its file has it; line ends may be LF.
class Content {
  public:
    Content() = default;
    explicit Content(std::string text) : owned_(std::move(text)) {}
    Content(const void* mapped, std::size_t size) : mapped_(mapped), size_(size) {}
    Content(Content&& other) noexcept { swap(other); }
    Content& operator=(Content&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Content();

    std::string_view text() const {
        return mapped_ ? std::string_view(static_cast<const char*>(mapped_), size_) : std::string_view(owned_);
    }

  private:
    void swap(Content& other) noexcept {
        owned_.swap(other.owned_);
        std::swap(mapped_, other.mapped_);
        std::swap(size_, other.size_);
    }

    std::string owned_;
    const void* mapped_ = nullptr;
    std::size_t size_ = 0;
};

enum class Answer { envelope, body, body_structure };

// A message that is on its way in. Dropped without commit(), nothing of it remains.
class Delivery {
  public:
    virtual ~Delivery() = default;

    virtual Result<void> write(std::string_view chunk) = 0;

    struct Options {
        Flags flags = 0;
        std::vector<std::string> keywords;
        std::optional<std::int64_t> date;  // INTERNALDATE, seconds since 1970
        bool arrival = true;               // a delivery; false for what the user's own client puts there
    };
    struct Delivered {
        std::uint32_t uid = 0;
        std::uint32_t uid_validity = 0;
    };
    // When this returns, the message is in the mailbox and on the disk, under that UID.
    virtual Result<Delivered> commit(const Options& options) = 0;
};

// Tells a sleeping session that something may have changed.
class Watch {
  public:
    virtual ~Watch() = default;
    // To poll for reading, or -1 where the system has no more watches: call changed() from time to time.
    virtual int descriptor() const = 0;
    // True once after a change; never misses one, may be wrong the other way.
    virtual bool changed() = 0;
};

class Mailbox {
  public:
    virtual ~Mailbox() = default;

    virtual const std::string& name() const = 0;
    virtual const Account& account() const = 0;

    virtual Result<void> refresh() = 0;
    virtual Modseq highest_modseq() const = 0;  // of the last refresh() or change
    virtual Result<MailboxStatus> status() = 0;
    virtual const std::vector<std::string>& keywords() const = 0;  // by their bit; an empty one has no name
    virtual bool takes_keywords() const = 0;                       // more than those

    // All messages by UID.
    virtual Result<std::vector<Message>> messages() = 0;

    // What was expunged after that modseq, ascending; nothing if that is not known any more: then whoever asks compares
    // UIDs.
    virtual Result<std::optional<std::vector<UidRange>>> expunged_since(Modseq modseq) = 0;

    // The first UID that is recent to the caller, who becomes the one to whom they were.
    virtual Result<std::uint32_t> claim_recent() = 0;

    virtual Result<std::int64_t> internal_date(std::uint32_t uid) = 0;
    virtual Result<std::uint64_t> virtual_size(std::uint32_t uid) = 0;
    virtual Result<Content> content(std::uint32_t uid) = 0;

    // At least the header with its empty line; may be more.
    virtual Result<Content> header(std::uint32_t uid) = 0;

    // Ready for the wire, valid until the next call.
    virtual Result<std::string_view> answer(std::uint32_t uid, Answer which) = 0;

    // The messages as they are now, those that had these flags already too. New keywords are made if there is room.
    virtual Result<std::vector<Message>> change_flags(const std::vector<std::uint32_t>& uids, FlagChange change, Flags flags,
        const std::vector<std::string>& keywords) = 0;

    virtual Result<void> expunge(const std::vector<std::uint32_t>& uids) = 0;

    // All or none. The target is a mailbox of the same account, or of another, perhaps of another kind: octets are copied
    // then.
    Result<Copied> copy(const std::vector<std::uint32_t>& uids, Mailbox& target);
    Result<Copied> move(const std::vector<std::uint32_t>& uids, Mailbox& target);

    virtual Result<std::unique_ptr<Delivery>> deliver() = 0;

    virtual std::unique_ptr<Watch> watch() = 0;

    // At the end of a command: lets go of read transactions, stores what was computed.
    virtual void rest() = 0;

  private:
    // copy() and move() within one account.
    virtual Result<Copied> transfer(const std::vector<std::uint32_t>& uids, Mailbox& target, bool remove) = 0;
};

}  // namespace store
