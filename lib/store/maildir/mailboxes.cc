// CREATE, DELETE, RENAME: done and on the disk, or not done.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "lib/imap/mailbox_name.h"
#include "lib/store/maildir/account.h"
#include "lib/store/maildir/directory_name.h"
#include "lib/store/maildir/mailbox.h"

namespace store {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

// Removes a folder; what somebody nested deeper than this stays.
void remove_tree(int parent, const std::string& name, int depth = 8) {
    if (depth == 0)
        return;
    event::Fd directory(openat(parent, name.c_str(), kDirectory));
    if (!directory)
        return;
    event::Fd again(openat(directory.get(), ".", kDirectory));
    DIR* stream = again ? fdopendir(again.get()) : nullptr;
    if (!stream)
        return;
    again.release();
    while (const dirent* entry = readdir(stream)) {
        std::string_view file = entry->d_name;
        if (file == "." || file == "..")
            continue;
        if (unlinkat(directory.get(), entry->d_name, 0) != 0 && (errno == EISDIR || errno == EPERM))
            remove_tree(directory.get(), entry->d_name, depth - 1);
    }
    closedir(stream);
    unlinkat(parent, name.c_str(), AT_REMOVEDIR);
}

constexpr std::string_view kTrash = "malleposte.deleted.";

std::string trash_name() {
    static std::atomic<unsigned> counter{0};
    return fmt::format("{}{}.{}.{}", kTrash, now_nanoseconds(), getpid(), ++counter);
}

}  // namespace

// What deleted mailboxes left, those of a killed process too.
void MaildirAccount::empty_trash() {
    for (const std::string& name : root_entries([](std::string_view entry) { return entry.starts_with(kTrash); }))
        remove_tree(root_.get(), name);
}

// True if the directory is new.
bool MaildirAccount::create_folder(const std::string& directory, const std::string& name) {
    struct stat info {};
    std::string cur = directory + "/cur";
    if (fstatat(root_.get(), cur.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
        trouble(Failure::Kind::exists, name + ": mailbox exists already");
    bool made_now = mkdirat(root_.get(), directory.c_str(), 0700) == 0;
    if (!made_now && errno != EEXIST) {
        if (errno == ENAMETOOLONG)
            trouble(Failure::Kind::bad_name, name + ": mailbox name is too long");
        system_trouble(name + ": create mailbox");
    }
    event::Fd made(openat(root_.get(), directory.c_str(), kDirectory));
    if (!made)
        system_trouble(name + ": create mailbox");
    Folder::make_parts(made.get(), name);
    // The file by which Courier and Dovecot's quota tell a folder from a root.
    event::Fd marker(openat(made.get(), "maildirfolder", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!marker)
        system_trouble(name + ": create mailbox");
    return made_now;
}

Result<void> MaildirAccount::create(std::string_view given) {
    return attempt([&] {
        // A separator at the end only announces that children will come (RFC 3501, 6.3.3).
        std::string_view name = given;
        bool announces = name.ends_with(separator_);
        if (announces)
            name.remove_suffix(1);
        std::string directory = directory_of(name);
        if (directory == ".")
            trouble(Failure::Kind::exists, "INBOX exists already");
        if (announces)
            return;
        bool is_ours = create_folder(directory, std::string(name));
        std::string canonical = imap::canonical_mailbox(name, separator_);
        MaildirMailbox made(shared_from_this(), canonical, directory, folder(directory, canonical));
        Result<void> first = made.refresh();
        if (first && fsync(root_.get()) == 0)
            return;
        int error = errno;
        if (is_ours)
            remove_tree(root_.get(), directory);  // all or nothing
        if (!first)
            throw ThrownFailure(first.error());
        system_trouble(path_ + ": sync", error);
    });
}

Result<void> MaildirAccount::remove(std::string_view name) {
    return attempt([&] {
        std::string directory = directory_of(name);
        if (directory == ".")
            trouble(Failure::Kind::not_allowed, "INBOX cannot be deleted");
        std::string trash = trash_name();
        std::shared_ptr<Index> index = this->index();
        Txn txn(*index, true);
        if (renameat(root_.get(), directory.c_str(), root_.get(), trash.c_str()) != 0) {
            if (errno == ENOENT)
                trouble(Failure::Kind::not_found, std::string(name) + ": no such mailbox");
            system_trouble(std::string(name) + ": delete mailbox");
        }
        try {
            txn.remove_box(directory);
            sync_root();
            txn.commit();
        } catch (...) {
            renameat(root_.get(), trash.c_str(), root_.get(), directory.c_str());
            throw;
        }
        empty_trash();
    });
}

void MaildirAccount::sync_root() {
    if (fsync(root_.get()) != 0)
        system_trouble(path_ + ": sync");
}

// Moves the directories and what the index knows of them: all or none.
void MaildirAccount::rename_folders(const std::vector<Renaming>& renamings) {
    std::shared_ptr<Index> index = this->index();
    Txn txn(*index, true);
    std::size_t done = 0;
    try {
        for (const auto& [from, to] : renamings) {
            struct stat info {};
            if (fstatat(root_.get(), to.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
                trouble(Failure::Kind::exists, name_of(to) + ": mailbox exists already");
            if (renameat(root_.get(), from.c_str(), root_.get(), to.c_str()) != 0)
                system_trouble(name_of(from) + ": rename mailbox");
            ++done;
            if (std::optional<BoxRecord> box = txn.find_box(from)) {
                BoxRecord moved = *box;
                txn.put_box(to, moved);
                moved.state.id = txn.new_box_id();  // so that nothing of `to` goes with the old key
                txn.put_box(from, moved);
                txn.remove_box(from);
            }
        }
        sync_root();
        txn.commit();
    } catch (...) {
        while (done > 0) {
            const Renaming& renaming = renamings[--done];
            renameat(root_.get(), renaming.to.c_str(), root_.get(), renaming.from.c_str());
        }
        throw;
    }
}

// Which directories move with a mailbox: its own and its children's.
std::vector<MaildirAccount::Renaming> MaildirAccount::renamings(const std::string& source, const std::string& target) const {
    std::string below = source + ".";
    if (target == source || target.starts_with(below))
        trouble(Failure::Kind::bad_name, name_of(target) + ": a mailbox cannot move into itself");
    std::vector<Renaming> moving;
    for (const std::string& directory : folder_directories()) {
        if (directory == target || directory.starts_with(target + "."))
            trouble(Failure::Kind::exists, name_of(directory) + ": mailbox exists already");
        if (directory == source || directory.starts_with(below))
            moving.push_back({directory, target + directory.substr(source.size())});
    }
    for (const Renaming& renaming : moving) {
        if (renaming.to.size() > kMaxDirectoryName)
            trouble(Failure::Kind::bad_name, name_of(target) + ": mailbox name is too long");
    }
    if (moving.empty())
        trouble(Failure::Kind::not_found, name_of(source) + ": no such mailbox");
    return moving;
}

Result<void> MaildirAccount::rename(std::string_view from, std::string_view to) {
    return attempt([&] {
        std::string source = directory_of(from);
        std::string target = directory_of(to);
        if (target == ".")
            trouble(Failure::Kind::exists, "INBOX exists already");
        if (source == ".")
            move_inbox(target);
        else
            rename_folders(renamings(source, target));
    });
}

void MaildirAccount::move_inbox(const std::string& target) {
    std::string to = name_of(target);
    if (Result<void> made = create(to); !made)
        throw ThrownFailure(made.error());
    MaildirMailbox inbox(shared_from_this(), "INBOX", ".", folder(".", "INBOX"));
    MaildirMailbox box(shared_from_this(), to, target, folder(target, to));
    inbox.move_everything(box);
}

}  // namespace store
