// What a message says: its file, found again if somebody renamed it, and what follows from the file alone.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "lib/message/header.h"
#include "lib/store/maildir/mailbox.h"
#include "lib/store/maildir/sync.h"
#include "lib/store/thrown_failure.h"

namespace store {
namespace {

constexpr std::size_t kReadAtOnce = 256 * 1024;  // larger files are mapped
constexpr std::size_t kFirstHeaderRead = 8192;
constexpr std::size_t kMaxHeader = 1024 * 1024;
constexpr int kReadMessage = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr int kMostRenames = 20;                    // of one file while it is looked for
constexpr std::int64_t kLatestDate = 253402300799;  // 31 December 9999: four digits are all IMAP has

std::int64_t count_bare_feeds(std::string_view text) {
    std::int64_t count = 0;
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        if (at == 0 || text[at - 1] != '\r')
            ++count;
    }
    return count;
}

std::string read_up_to(int file, std::size_t limit, const std::string& name) {
    std::string text(limit, '\0');
    std::size_t have = 0;
    while (have < limit) {
        ssize_t n = pread(file, text.data() + have, limit - have, static_cast<off_t>(have));
        if (n < 0)
            system_trouble(name + ": read message");
        if (n == 0)
            break;
        have += static_cast<std::size_t>(n);
    }
    text.resize(have);
    return text;
}

}  // namespace

std::int64_t clamp_date(std::int64_t date) { return std::clamp<std::int64_t>(date, 0, kLatestDate); }

MaildirMailbox::Located MaildirMailbox::locate(std::uint32_t uid) {
    std::optional<MailRecord> record = reading().txn.find_mail(box_.state.id, uid);
    if (!record)
        trouble(Failure::Kind::not_found, name_ + ": the message was expunged");
    return {record->state, std::string(record->name)};
}

event::Fd MaildirMailbox::open_message(std::uint32_t uid, Located& located) {
    event::Fd file(openat(folder_->part(located.state.in_new != 0), located.name.c_str(), kReadMessage));
    if (!file && errno == ENOENT)
        return open_again(uid, located);
    if (!file)
        system_trouble(name_ + ": open " + located.name);
    return file;
}

// After somebody renamed or removed the file. It is opened under the lock, where no other session can rename it; a program
// that knows no lock may do so a few times in a row.
event::Fd MaildirMailbox::open_again(std::uint32_t uid, Located& located) {
    // What others changed is told at the next refresh(), not in the middle of a command.
    const Modseq seen = box_.state.highest_modseq;
    event::Fd file;
    for (int attempt = 0; attempt < kMostRenames && !file; ++attempt) {
        std::unique_ptr<Writing> writing = begin_change(false);
        Sync(*this, writing->txn, writing->box).run(true);
        std::optional<MailRecord> record = writing->txn.find_mail(writing->box.state.id, uid);
        int error = ENOENT;
        if (record) {
            located = {record->state, std::string(record->name)};
            file = event::Fd(openat(folder_->part(located.state.in_new != 0), located.name.c_str(), kReadMessage));
            error = errno;
        }
        finish_change(*writing);
        box_.state.highest_modseq = seen;
        if (!record)
            trouble(Failure::Kind::not_found, name_ + ": the message was expunged");
        if (!file && error != ENOENT)
            system_trouble(name_ + ": open " + located.name, error);
    }
    if (!file)
        trouble(Failure::Kind::temporary, name_ + ": " + located.name + " is renamed again and again");
    return file;
}

Content MaildirMailbox::read_whole(std::uint32_t uid) {
    Located located = locate(uid);
    event::Fd file = open_message(uid, located);
    struct stat info {};
    if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
        trouble(Failure::Kind::temporary, name_ + ": " + located.name + " is not a regular file");
    auto size = static_cast<std::size_t>(info.st_size);
    if (located.state.date == MailState::kUnknown)
        pending(uid).date = clamp_date(info.st_mtim.tv_sec);
    if (size <= kReadAtOnce)
        return Content(read_up_to(file.get(), size, name_));
    void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (mapped == MAP_FAILED)
        system_trouble(name_ + ": map " + located.name);
    return Content(mapped, size);
}

Content MaildirMailbox::read_header(std::uint32_t uid) {
    Located located = locate(uid);
    event::Fd file = open_message(uid, located);
    for (std::size_t limit = kFirstHeaderRead;; limit *= 8) {
        std::string text = read_up_to(file.get(), limit, name_);
        if (text.size() < limit || message::header_length(text) < text.size() || limit >= kMaxHeader)
            return Content(std::move(text));
    }
}

Result<Content> MaildirMailbox::content(std::uint32_t uid) {
    return account_->attempt([&] { return read_whole(uid); });
}

Result<Content> MaildirMailbox::header(std::uint32_t uid) {
    return account_->attempt([&] { return read_header(uid); });
}

Result<std::int64_t> MaildirMailbox::internal_date(std::uint32_t uid) {
    return account_->attempt([&]() -> std::int64_t {
        Located located = locate(uid);
        if (located.state.date != MailState::kUnknown)
            return located.state.date;
        Pending& computed = pending(uid);
        if (computed.date != MailState::kUnknown)
            return computed.date;
        struct stat info {};
        int directory = folder_->part(located.state.in_new != 0);
        if (fstatat(directory, located.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
            event::Fd file = open_again(uid, located);
            if (fstat(file.get(), &info) != 0)
                system_trouble(name_ + ": stat " + located.name);
        }
        std::int64_t date = clamp_date(info.st_mtim.tv_sec);
        pending(uid).date = date;
        return date;
    });
}

Result<std::uint64_t> MaildirMailbox::virtual_size(std::uint32_t uid) {
    return account_->attempt([&]() -> std::uint64_t {
        Located located = locate(uid);
        if (located.state.virtual_size != MailState::kUnknown)
            return static_cast<std::uint64_t>(located.state.virtual_size);
        if (std::int64_t computed = pending(uid).virtual_size; computed != MailState::kUnknown)
            return static_cast<std::uint64_t>(computed);
        Content content = read_whole(uid);
        std::string_view text = content.text();
        std::int64_t size = static_cast<std::int64_t>(text.size()) + count_bare_feeds(text);
        pending(uid).virtual_size = size;
        return static_cast<std::uint64_t>(size);
    });
}

}  // namespace store
