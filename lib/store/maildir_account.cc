#include "lib/store/maildir_account.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <ctime>
#include <list>

#include "lib/imap/mailbox_name.h"
#include "lib/log/log.h"
#include "lib/store/delivery.h"
#include "lib/store/maildir_mailbox.h"
#include "lib/text/text.h"

namespace store {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
constexpr std::size_t kMaxDirectoryName = 240;
constexpr std::size_t kOpenFolders = 32;
constexpr const char* kSubscriptions = "subscriptions";
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

std::string read_file(int directory, const char* name) {
    event::Fd file(openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size > (1 << 24))
        return {};
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    ssize_t length = read(file.get(), text.data(), text.size());
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return text;
}

void replace_file(int directory, const std::string& name, std::string_view text, const std::string& what) {
    std::string temporary = name + ".tmp" + std::to_string(getpid());
    event::Fd file(openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    bool written = file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                   renameat(directory, temporary.c_str(), directory, name.c_str()) == 0 && fsync(file.get()) == 0;
    if (!written) {
        int error = errno;
        unlinkat(directory, temporary.c_str(), 0);
        system_trouble(what + ": write " + name, error);
    }
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

// Every account of this process, so that no index is ever open twice in it.
struct Registry {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<Account>> accounts;
    std::list<std::shared_ptr<Account>> lately;  // those that deliveries used

    std::shared_ptr<Account> find(const AccountSettings& settings) {
        std::weak_ptr<Account>& known = accounts[settings.root];
        std::shared_ptr<Account> account = known.lock();
        if (!account) {
            account = std::make_shared<MaildirAccount>(settings, open_root(settings.root));
            known = account;
            if (accounts.size() > 4 * kOpenAccounts)
                std::erase_if(accounts, [](const auto& entry) { return entry.second.expired(); });
        }
        return account;
    }

    void keep(const std::shared_ptr<Account>& account) {
        if (!lately.empty() && lately.front() == account)
            return;
        lately.remove(account);
        lately.push_front(account);
        if (lately.size() > kOpenAccounts)
            lately.pop_back();
    }
};

Registry& registry() {
    static Registry the;
    return the;
}

}  // namespace

Result<std::shared_ptr<Account>> open_account(const AccountSettings& settings) {
    try {
        std::lock_guard lock(registry().mutex);
        return registry().find(settings);
    } catch (const Trouble& error) {
        return std::unexpected(error.failure);
    }
}

Result<std::unique_ptr<Delivery>> begin_delivery(const AccountSettings& settings, std::string_view mailbox) {
    std::shared_ptr<Account> account;
    try {
        std::lock_guard lock(registry().mutex);
        account = registry().find(settings);
        registry().keep(account);
    } catch (const Trouble& error) {
        return std::unexpected(error.failure);
    }
    Result<std::unique_ptr<Mailbox>> opened = account->open(mailbox);
    if (!opened)
        return std::unexpected(opened.error());
    return (*opened)->deliver();
}

MaildirAccount::MaildirAccount(AccountSettings settings, event::Fd root)
    : settings_(std::move(settings)), root_(std::move(root)) {}

std::shared_ptr<Index> MaildirAccount::index() {
    std::lock_guard lock(mutex_);
    if (!index_ || !index_->is_current()) {
        index_.reset();
        index_ = Index::open(root_.get(), settings_.root);
    }
    return index_;
}

void MaildirAccount::drop_index(const IndexError& error) {
    std::lock_guard lock(mutex_);
    if (index_ && error.is_damage()) {
        logging::warning("{}: index is made anew: {}", settings_.root, error.what());
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
    std::string text = read_file(root_.get(), kUidValidity);
    std::uint32_t last = 0;
    std::from_chars(text.data(), text.data() + text.size(), last, 16);
    auto now = static_cast<std::uint32_t>(std::time(nullptr));
    std::uint32_t next = std::max(now, last == UINT32_MAX ? last : last + 1);
    replace_file(root_.get(), kUidValidity, fmt::format("{:08x}", next), settings_.root);
    return next;
}

// The directory of a legal name; Trouble bad_name for every other. The encoding is one to one: levels are
// joined by ".", and no character that could lead elsewhere is let in.
std::string MaildirAccount::directory_of(std::string_view given) const {
    std::string name = imap::canonical_mailbox(given, settings_.separator);
    if (name == "INBOX")
        return ".";
    auto refuse = [&name](const char* why) {
        trouble(Failure::Kind::bad_name, imap::encode_utf7(name.substr(0, 100)) + ": " + why);
    };
    std::optional<std::string> readable = imap::decode_utf7(name);
    if (!readable)
        refuse("not a mailbox name in modified UTF-7");
    for (char c : *readable) {
        if (static_cast<unsigned char>(c) < 32 || c == 127)
            refuse("control characters are not allowed in a mailbox name");
    }
    if (name.size() > kMaxDirectoryName)
        refuse("mailbox name is too long");
    std::string directory = ".";
    for (char c : name) {
        if (c == settings_.separator)
            directory += '.';
        else if (c == '/' || c == '.')
            refuse(c == '/' ? "'/' is not allowed in a mailbox name" : "'.' is not allowed in a mailbox name");
        else
            directory += c;
    }
    if (directory.find("..") != std::string::npos || directory.ends_with('.'))
        refuse("a level of the mailbox name is empty");
    return directory;
}

std::string MaildirAccount::name_of(std::string_view directory) const {
    if (directory == ".")
        return "INBOX";
    std::string name(directory.substr(1));
    std::replace(name.begin(), name.end(), '.', settings_.separator);
    return name;
}

std::vector<std::string> MaildirAccount::folder_directories() const {
    event::Fd again(openat(root_.get(), ".", kDirectory));
    DIR* stream = again ? fdopendir(again.get()) : nullptr;
    if (!stream)
        system_trouble("read " + settings_.root);
    again.release();
    std::vector<std::string> directories;
    while (const dirent* entry = readdir(stream)) {
        std::string_view name = entry->d_name;
        if (name.size() < 2 || name.front() != '.' || name == "..")
            continue;
        std::string cur = std::string(name) + "/cur";
        struct stat info {};
        bool is_folder = (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) &&
                         fstatat(root_.get(), cur.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
        if (is_folder)
            directories.emplace_back(name);
    }
    closedir(stream);
    std::sort(directories.begin(), directories.end());
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
        std::string canonical = imap::canonical_mailbox(name, settings_.separator);
        return std::make_unique<MaildirMailbox>(shared_from_this(), canonical, directory, folder(directory, canonical));
    });
}

void MaildirAccount::create_folder(const std::string& directory, const std::string& name) {
    struct stat info {};
    std::string cur = directory + "/cur";
    if (fstatat(root_.get(), cur.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
        trouble(Failure::Kind::exists, name + ": mailbox exists already");
    if (mkdirat(root_.get(), directory.c_str(), 0700) != 0 && errno != EEXIST) {
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
}

Result<void> MaildirAccount::create(std::string_view given) {
    return attempt([&] {
        // A separator at the end only announces that children will come (RFC 3501, 6.3.3).
        std::string_view name = given;
        bool announces = name.ends_with(settings_.separator);
        if (announces)
            name.remove_suffix(1);
        std::string directory = directory_of(name);
        if (directory == ".")
            trouble(Failure::Kind::exists, "INBOX exists already");
        if (announces)
            return;
        create_folder(directory, std::string(name));
        std::unique_ptr<Mailbox> made = std::make_unique<MaildirMailbox>(
            shared_from_this(), std::string(name), directory, folder(directory, std::string(name)));
        if (Result<void> first = made->refresh(); !first)
            throw Trouble(first.error());
        if (fsync(root_.get()) != 0)
            system_trouble(settings_.root + ": sync");
    });
}

Result<void> MaildirAccount::remove(std::string_view name) {
    return attempt([&] {
        std::string directory = directory_of(name);
        if (directory == ".")
            trouble(Failure::Kind::not_allowed, "INBOX cannot be deleted");
        static std::atomic<unsigned> counter{0};
        std::string trash = fmt::format("malleposte.deleted.{}.{}", getpid(), ++counter);
        {
            std::shared_ptr<Index> index = this->index();
            Txn txn(*index, true);
            if (renameat(root_.get(), directory.c_str(), root_.get(), trash.c_str()) != 0) {
                if (errno == ENOENT)
                    trouble(Failure::Kind::not_found, std::string(name) + ": no such mailbox");
                system_trouble(std::string(name) + ": delete mailbox");
            }
            txn.remove_box(directory);
            txn.commit();
        }
        remove_tree(root_.get(), trash);
    });
}

// Moves the directory and what the index knows of it.
void MaildirAccount::rename_folder(const std::string& from, const std::string& to) {
    std::shared_ptr<Index> index = this->index();
    Txn txn(*index, true);
    struct stat info {};
    if (fstatat(root_.get(), to.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
        trouble(Failure::Kind::exists, name_of(to) + ": mailbox exists already");
    if (renameat(root_.get(), from.c_str(), root_.get(), to.c_str()) != 0)
        system_trouble(name_of(from) + ": rename mailbox");
    if (std::optional<BoxRecord> box = txn.find_box(from)) {
        BoxRecord moved = *box;
        txn.put_box(to, moved);
        moved.state.id = txn.new_box_id();  // so that nothing of `to` goes with the old key
        txn.put_box(from, moved);
        txn.remove_box(from);
    }
    txn.commit();
}

Result<void> MaildirAccount::rename(std::string_view from, std::string_view to) {
    return attempt([&] {
        std::string source = directory_of(from);
        std::string target = directory_of(to);
        if (target == ".")
            trouble(Failure::Kind::exists, "INBOX exists already");
        if (source == ".") {
            if (Result<void> made = create(to); !made)
                throw Trouble(made.error());
            MaildirMailbox inbox(shared_from_this(), "INBOX", ".", folder(".", "INBOX"));
            MaildirMailbox box(shared_from_this(), std::string(to), target, folder(target, std::string(to)));
            inbox.move_everything(box);
            return;
        }
        std::string below = source + ".";
        if (target == source || target.starts_with(below))
            trouble(Failure::Kind::bad_name, std::string(to) + ": a mailbox cannot move into itself");
        std::vector<std::string> all = folder_directories();
        bool found = false;
        for (const std::string& directory : all) {
            if (directory == target || directory.starts_with(target + "."))
                trouble(Failure::Kind::exists, name_of(directory) + ": mailbox exists already");
            found = found || directory == source || directory.starts_with(below);
            if (directory.starts_with(source) && target.size() + directory.size() - source.size() > kMaxDirectoryName)
                trouble(Failure::Kind::bad_name, std::string(to) + ": mailbox name is too long");
        }
        if (!found)
            trouble(Failure::Kind::not_found, std::string(from) + ": no such mailbox");
        for (const std::string& directory : all) {
            if (directory == source || directory.starts_with(below))
                rename_folder(directory, target + directory.substr(source.size()));
        }
        if (fsync(root_.get()) != 0)
            system_trouble(settings_.root + ": sync");
    });
}

Result<std::vector<std::string>> MaildirAccount::subscriptions() {
    return attempt([&] {
        std::string text = read_file(root_.get(), kSubscriptions);
        bool second_form = text.starts_with("V\t2");  // levels divided by tabs, after an empty line
        std::vector<std::string> names;
        for (std::string_view line : text::split(text, "\n")) {
            if (line.ends_with('\r'))
                line.remove_suffix(1);
            if (line.empty() || (second_form && line.starts_with("V\t")))
                continue;
            std::string name(line);
            if (second_form)
                std::replace(name.begin(), name.end(), '\t', settings_.separator);
            if (!imap::decode_utf7(name))
                name = imap::encode_utf7(name);
            names.push_back(std::move(name));
        }
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        return names;
    });
}

Result<void> MaildirAccount::subscribe(std::string_view given, bool wanted) {
    return attempt([&] {
        directory_of(given);
        std::string name = imap::canonical_mailbox(given, settings_.separator);
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
        std::string text = "V\t2\n\n";
        for (std::string& line : *names) {
            std::replace(line.begin(), line.end(), settings_.separator, '\t');
            text += line + "\n";
        }
        replace_file(root_.get(), kSubscriptions, text, settings_.root);
    });
}

}  // namespace store
