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

Result<std::vector<std::string>> MaildirAccount::list() {
    return attempt([&] {
        std::vector<std::string> names = {"INBOX"};
        for (const std::string& directory : folder_directories()) {
            std::string name = name_of(directory);
            try {
                if (directory_of(name) == directory)
                    names.push_back(std::move(name));
            } catch (const ThrownFailure&) {
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
            throw ThrownFailure(names.error());
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
