#include "lib/queue/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "lib/queue/files.h"
#include "lib/time/clock.h"

namespace queue {
namespace {

constexpr std::int64_t kFreshSeconds = 10;  // a new file's writer may not have its lock yet
constexpr int kMoves = 5;

bool is_being_delivered_from(QueueName queue) {
    return queue == QueueName::incoming || queue == QueueName::deferred || queue == QueueName::active;
}

Refusal refuse(Refusal::Kind kind, std::string text = {}) { return {kind, std::move(text)}; }

Seen make_seen(QueueName queue, std::string_view id, event::Fd file, MessageFile&& read) {
    Seen seen;
    seen.claimed = files::is_locked_by_another(file.get());
    seen.queue = seen.claimed && is_being_delivered_from(queue) ? QueueName::active : queue;
    seen.label = files::path_of(queue, id);
    seen.layout = read.layout;
    seen.content = FileContent{std::move(file), read.layout.content()};
    seen.message = std::move(read);
    return seen;
}

}  // namespace

std::expected<Spool, Failure> Spool::open(const std::string& directory) {
    event::Fd root{::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!root)
        return std::unexpected(files::trouble("open the queue directory", directory));
    return Spool{directory, std::move(root)};
}

std::expected<void, Failure> Spool::create_directories() const {
    for (const Folder& folder : kFolders) {
        if (mkdirat(root_.get(), std::string{folder.name}.c_str(), 0700) != 0 && errno != EEXIST)
            return std::unexpected(files::trouble("create the directory", folder.name));
    }
    return {};
}

std::expected<std::uint64_t, Failure> Spool::free_space() const {
    struct statvfs info {};
    if (fstatvfs(root_.get(), &info) != 0)
        return std::unexpected(files::trouble("statvfs", "the queue directory"));
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

std::expected<uid_t, Failure> Spool::owner() const {
    const std::string name{name_of(QueueName::incoming)};
    struct stat info {};
    if (fstatat(root_.get(), name.c_str(), &info, 0) != 0)
        return std::unexpected(files::trouble("stat", name));
    return info.st_uid;
}

IdSource Spool::make_ids(IdForm form) const {
    return IdSource{fmt::format("{}/{}/.queue-id", directory_, name_of(QueueName::incoming)), form};
}

std::expected<QueueWriter, Failure> Spool::create(QueueName queue, std::string_view id) const {
    return QueueWriter::create(root_.get(), queue, id);
}

Refusal Spool::set_apart(const Entry& entry, const std::string& why) const {
    const std::string label = files::path_of(entry.queue, entry.id);
    const auto moved = files::move(root_.get(), entry.id, entry.queue, QueueName::corrupt);
    return refuse(Refusal::Kind::set_apart,
        fmt::format("{} is damaged: {}; {}", label, why,
            moved ? fmt::format("moved to {}/", name_of(QueueName::corrupt)) : moved.error().text));
}

// What is wrong with the file, dealt with.
Refusal Spool::settle_damage(const Entry& entry, const event::Fd& file, const Damage& damage) const {
    const std::string label = files::path_of(entry.queue, entry.id);
    switch (damage.kind) {
    case Damage::Kind::unreadable:
        return refuse(Refusal::Kind::unreadable, fmt::format("{} cannot be read now: {}", label, damage.text));
    case Damage::Kind::damaged: return set_apart(entry, damage.text);
    case Damage::Kind::unfinished: break;
    }
    struct stat info {};
    if (fstat(file.get(), &info) != 0 || std::abs(wall_clock::now_seconds() - info.st_mtim.tv_sec) < kFreshSeconds)
        return refuse(Refusal::Kind::busy);
    const auto removed = files::remove(root_.get(), entry.queue, entry.id);
    if (!removed || !*removed)
        return refuse(Refusal::Kind::gone);
    return refuse(Refusal::Kind::removed, fmt::format("removed {}, which was never finished and never acknowledged", label));
}

std::expected<Claimed, Refusal> Spool::claim(const Entry& entry) const {
    auto opened = files::open(root_.get(), entry.queue, entry.id, true);
    if (!opened)
        return std::unexpected(refuse(Refusal::Kind::unreadable, opened.error().text));
    if (!*opened)
        return std::unexpected(refuse(Refusal::Kind::gone));
    event::Fd file = std::move(**opened);
    struct stat info {};
    // Without a lock of our own: it is being written, or is active already.
    if (!files::try_lock(file.get()))
        return std::unexpected(refuse(Refusal::Kind::busy));
    if (fstat(file.get(), &info) != 0 || info.st_nlink == 0)
        return std::unexpected(refuse(Refusal::Kind::gone));
    auto read = read_message(file.get(), Verify::content_too);
    if (!read)
        return std::unexpected(settle_damage(entry, file, read.error()));
    if (read->envelope.queue_id != entry.id)
        return std::unexpected(set_apart(entry, "it is message " + read->envelope.queue_id + " under another name"));
    // What stands behind a torn record was never relied on, and would be in the way of the next one.
    if (read->torn)
        read->torn = ftruncate(file.get(), static_cast<off_t>(read->status_end)) == 0;
    Claim claim{root_.get(), entry.queue, entry.id, std::move(file), read->layout.content(), read->status_end};
    return Claimed{std::move(claim), std::move(*read)};
}

std::expected<Claimed, Refusal> Spool::claim(std::string_view id) const {
    Refusal last;
    for (const QueueName queue : {QueueName::deferred, QueueName::incoming, QueueName::active}) {
        Entry entry;
        entry.queue = queue;
        entry.id = id;
        auto claimed = claim(entry);
        if (claimed)
            return claimed;
        if (claimed.error().kind != Refusal::Kind::gone)
            last = std::move(claimed.error());
    }
    return std::unexpected(std::move(last));
}

std::expected<Claimed, std::string> Spool::accept(ipc::records::QueueHandover record, event::Fd file) const {
    auto envelope = decode_envelope(record.envelope);
    if (!envelope)
        return std::unexpected(envelope.error());
    if (!file || envelope->queue_id != record.queue_id || !is_queue_id(record.queue_id))
        return std::unexpected("a hand-over without its file, or with two names");
    Message message;
    message.envelope = std::move(*envelope);
    Claim claim{
        root_.get(), QueueName::incoming, std::move(record.queue_id), std::move(file), record.content, record.status_offset};
    return Claimed{std::move(claim), std::move(message)};
}

namespace {

std::expected<Seen, Damage> read_seen(QueueName queue, std::string_view id, event::Fd file, Verify verify) {
    auto read = read_message(file.get(), verify);
    if (!read)
        return std::unexpected(read.error());
    return make_seen(queue, id, std::move(file), std::move(*read));
}

}  // namespace

std::expected<Seen, Damage> Spool::look(const Entry& entry, Verify verify) const {
    auto file = files::open(root_.get(), entry.queue, entry.id, false);
    if (!file || !*file)
        return std::unexpected(Damage{Damage::Kind::unreadable, file ? "it is gone" : file.error().text});
    return read_seen(entry.queue, entry.id, std::move(**file), verify);
}

std::optional<std::expected<Seen, Damage>> Spool::look(std::string_view id, Verify verify) const {
    // It may go from one queue to another between finding and opening it, but does so once or twice only.
    for (int attempt = 0; attempt < kMoves && is_queue_id(id); ++attempt) {
        const auto where = find(id);
        if (!where)
            return std::nullopt;
        auto file = files::open(root_.get(), *where, id, false);
        if (!file)
            return std::unexpected(Damage{Damage::Kind::unreadable, file.error().text});
        if (*file)
            return read_seen(*where, id, std::move(**file), verify);
    }
    return std::nullopt;
}

std::optional<QueueName> Spool::find(std::string_view id) const { return files::find(root_.get(), id); }

std::optional<event::Fd> Spool::lock_submissions() const {
    const std::string name{name_of(QueueName::maildrop)};
    event::Fd lock{openat(root_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return std::nullopt;
    return lock;
}

// postdrop opens a file to us as its last step. Where it has had the time for that, somebody has to know of the file.
Refusal Spool::closed_submission(std::string_view id, const Failure& trouble) const {
    const std::string label = files::path_of(QueueName::maildrop, id);
    struct stat info {};
    if (fstatat(root_.get(), label.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
        return refuse(Refusal::Kind::gone);
    const std::int64_t age = std::abs(wall_clock::now_seconds() - info.st_mtim.tv_sec);
    if (trouble.error == EACCES && S_ISREG(info.st_mode) && age < kFreshSeconds)
        return refuse(Refusal::Kind::busy);
    return refuse(Refusal::Kind::unreadable, fmt::format("{} (uid={})", trouble.text, info.st_uid));
}

std::expected<Submission, Refusal> Spool::take_submission(std::string_view id) const {
    const std::string label = files::path_of(QueueName::maildrop, id);
    auto opened = files::open(root_.get(), QueueName::maildrop, id, false);
    if (!opened)
        return std::unexpected(closed_submission(id, opened.error()));
    if (!*opened)
        return std::unexpected(refuse(Refusal::Kind::gone));
    event::Fd file = std::move(**opened);
    struct stat info {};
    if (fstat(file.get(), &info) != 0 || files::is_locked_by_another(file.get()))
        return std::unexpected(refuse(Refusal::Kind::busy));
    if (!S_ISREG(info.st_mode) || info.st_nlink != 1)
        return std::unexpected(refuse(Refusal::Kind::unreadable,
            fmt::format("{}: not a regular file with one name; left alone (uid={})", label, info.st_uid)));
    auto read = read_message(file.get(), Verify::content_too);
    if (!read && read.error().kind == Damage::Kind::damaged) {
        static_cast<void>(files::move(root_.get(), id, QueueName::maildrop, QueueName::corrupt));
        return std::unexpected(
            refuse(Refusal::Kind::set_apart, fmt::format("{}: {}; moved to {}/ (uid={})", label, read.error().text,
                                                 name_of(QueueName::corrupt), info.st_uid)));
    }
    if (!read) {
        Entry entry;
        entry.queue = QueueName::maildrop;
        entry.id = id;
        return std::unexpected(settle_damage(entry, file, read.error()));
    }
    Submission submission;
    submission.id = id;
    submission.owner = info.st_uid;
    submission.dropped_us = info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1000;
    submission.requeued = info.st_uid == geteuid() && (info.st_mode & 0077 & ~files::kExpireBit) == 0;
    submission.content = FileContent{std::move(file), read->layout.content()};
    submission.message = std::move(*read);
    return submission;
}

std::expected<void, Failure> Spool::remove_submission(std::string_view id) const {
    const auto removed = files::remove(root_.get(), QueueName::maildrop, id);
    if (!removed)
        return std::unexpected(removed.error());
    return {};
}

}  // namespace queue
