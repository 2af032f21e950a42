#include "lib/store/maildir/account.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <ctime>

#include "lib/imap/mailbox_name.h"
#include "lib/log/log.h"
#include "lib/store/maildir/directory_name.h"
#include "lib/store/maildir/mailbox.h"
#include "lib/store/maildir/small_file.h"
#include "lib/store/maildir/subscriptions.h"

namespace store {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
constexpr std::size_t kOpenFolders = 32;
constexpr const char* kUidValidity = "dovecot-uidvalidity";

event::Fd open_root(const std::string& path) {
    // Made step by step; a parent that the user may not write to stays missing, and that is "try later".
    event::Fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (std::size_t slash = path.find('/', 1); !root && errno == ENOENT; slash = path.find('/', slash + 1)) {
        if (mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST && errno != EISDIR && errno != EROFS)
            system_trouble("create " + path.substr(0, slash));
        if (slash == std::string::npos) {
            root = event::Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            break;
        }
        errno = ENOENT;
    }
    if (!root)
        system_trouble("open " + path);
    Folder::make_parts(root.get(), path);
    return root;
}

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

std::shared_ptr<Account> open_maildir(const std::string& path, char separator) {
    return std::make_shared<MaildirAccount>(path, separator, open_root(path));
}

MaildirAccount::MaildirAccount(std::string path, char separator, event::Fd root)
    : path_(std::move(path)), separator_(separator), root_(std::move(root)) {}

std::shared_ptr<Index> MaildirAccount::index() {
    std::lock_guard lock(mutex_);
    if (!index_ || !index_->is_current()) {
        index_.reset();
        index_ = Index::open(root_.get(), path_);
    }
    return index_;
}

void MaildirAccount::drop_index(const IndexError& error) {
    std::lock_guard lock(mutex_);
    if (index_ && error.is_damage()) {
        logging::warning("{}: index is made anew: {}", path_, error.what());
        index_->discard_if_current();
    }
    index_.reset();
}

void MaildirAccount::rest() {
    std::lock_guard lock(mutex_);
    index_.reset();
    folders_.clear();
}

std::shared_ptr<Folder> MaildirAccount::folder(const std::string& directory, const std::string& name) {
    std::lock_guard lock(mutex_);
    auto found = folders_.find(directory);
    if (found != folders_.end() && found->second->is_current(root_.get()))
        return found->second;
    std::shared_ptr<Folder> opened = Folder::open(root_.get(), directory, name);
    if (folders_.size() >= kOpenFolders)
        folders_.clear();
    folders_[directory] = opened;
    return opened;
}

std::uint32_t MaildirAccount::next_uid_validity() {
    std::string text = read_small_file(root_.get(), kUidValidity, path_);
    std::uint32_t last = 0;
    std::from_chars(text.data(), text.data() + text.size(), last, 16);
    auto now = static_cast<std::uint32_t>(std::time(nullptr));
    std::uint32_t next = std::max(now, last == UINT32_MAX ? last : last + 1);
    replace_small_file(root_.get(), kUidValidity, fmt::format("{:08x}", next), path_);
    return next;
}

std::string MaildirAccount::directory_of(std::string_view name) const { return store::directory_of(name, separator_); }

std::string MaildirAccount::name_of(std::string_view directory) const { return store::name_of(directory, separator_); }

// Every name in the root that `wanted` lets through.
std::vector<std::string> MaildirAccount::root_entries(bool (*wanted)(std::string_view name)) const {
    event::Fd again(openat(root_.get(), ".", kDirectory));
    DIR* stream = again ? fdopendir(again.get()) : nullptr;
    if (!stream)
        system_trouble("read " + path_);
    again.release();
    std::vector<std::string> names;
    while (const dirent* entry = readdir(stream)) {
        if ((entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) && wanted(entry->d_name))
            names.emplace_back(entry->d_name);
    }
    closedir(stream);
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> MaildirAccount::folder_directories() const {
    auto may_be_folder = [](std::string_view name) { return name.size() > 1 && name.front() == '.' && name != ".."; };
    std::vector<std::string> directories = root_entries(may_be_folder);
    std::erase_if(directories, [this](const std::string& directory) {
        struct stat info {};
        std::string cur = directory + "/cur";
        return fstatat(root_.get(), cur.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode);
    });
    return directories;
}

// What deleted mailboxes left, those of a killed process too.
void MaildirAccount::empty_trash() {
    for (const std::string& name : root_entries([](std::string_view entry) { return entry.starts_with(kTrash); }))
        remove_tree(root_.get(), name);
}

Result<std::vector<std::string>> MaildirAccount::list() {
    return attempt([&] {
        std::vector<std::string> names = {"INBOX"};
        for (const std::string& directory : folder_directories()) {
            std::string name = name_of(directory);
            try {
                if (directory_of(name) == directory)
                    names.push_back(std::move(name));
            } catch (const Trouble&) {
                // Made by another program under a name that IMAP cannot say.
            }
        }
        return names;
    });
}

Result<std::unique_ptr<Mailbox>> MaildirAccount::open(std::string_view name) {
    return attempt([&]() -> std::unique_ptr<Mailbox> {
        std::string directory = directory_of(name);
        std::string canonical = imap::canonical_mailbox(name, separator_);
        return std::make_unique<MaildirMailbox>(shared_from_this(), canonical, directory, folder(directory, canonical));
    });
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
            throw Trouble(first.error());
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
        throw Trouble(made.error());
    MaildirMailbox inbox(shared_from_this(), "INBOX", ".", folder(".", "INBOX"));
    MaildirMailbox box(shared_from_this(), to, target, folder(target, to));
    inbox.move_everything(box);
}

Result<std::vector<std::string>> MaildirAccount::subscriptions() {
    return attempt([&] { return parse_subscriptions(read_small_file(root_.get(), kSubscriptionsFile, path_), separator_); });
}

Result<void> MaildirAccount::subscribe(std::string_view given, bool wanted) {
    return attempt([&] {
        directory_of(given);
        std::string name = imap::canonical_mailbox(given, separator_);
        std::shared_ptr<Index> index = this->index();
        Txn lock(*index, true);
        Result<std::vector<std::string>> names = subscriptions();
        if (!names)
            throw Trouble(names.error());
        bool there = std::binary_search(names->begin(), names->end(), name);
        if (there == wanted)
            return;
        if (wanted)
            names->push_back(name);
        else
            std::erase(*names, name);
        std::string text = format_subscriptions(std::move(*names), separator_);
        replace_small_file(root_.get(), kSubscriptionsFile, text, path_);
    });
}

}  // namespace store
