#include "lib/store/maildir/folder.h"

#include <dirent.h>
#include <fcntl.h>

#include <cstring>
#include <ctime>

#include "lib/store/maildir/name.h"
#include "lib/store/thrown_failure.h"

namespace store {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
constexpr std::size_t kBlock = 65536;

event::Fd open_part(int folder, const char* part, const std::string& name) {
    event::Fd directory(openat(folder, part, kDirectory));
    if (!directory && errno == ENOENT) {
        // Some programs remove empty parts; a Maildir without one of the three is still that Maildir.
        if (mkdirat(folder, part, 0700) != 0 && errno != EEXIST)
            system_trouble(name + ": create " + part);
        directory = event::Fd(openat(folder, part, kDirectory));
    }
    if (!directory)
        system_trouble(name + ": open " + part);
    return directory;
}

bool is_regular(int directory, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN)
        return entry.d_type == DT_REG;
    struct stat info {};
    return fstatat(directory, entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);
}

struct CloseDirectory {
    void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

std::shared_ptr<Folder> Folder::open(int root, const std::string& directory, const std::string& name) {
    auto folder = std::make_shared<Folder>();
    folder->directory_ = directory;
    folder->self_ = event::Fd(openat(root, directory.c_str(), kDirectory));
    if (!folder->self_) {
        if (errno == ENOENT)
            trouble(Failure::Kind::not_found, name + ": no such mailbox");
        system_trouble(name + ": open mailbox");
    }
    folder->cur_ = open_part(folder->self(), "cur", name);
    folder->new_ = open_part(folder->self(), "new", name);
    folder->tmp_ = open_part(folder->self(), "tmp", name);
    if (fstat(folder->self(), &folder->opened_) != 0)
        system_trouble(name + ": stat mailbox");
    return folder;
}

void Folder::make_parts(int directory, const std::string& name) {
    for (const char* part : {"tmp", "new", "cur"}) {
        if (mkdirat(directory, part, 0700) != 0 && errno != EEXIST)
            system_trouble(name + ": create " + part);
    }
}

bool Folder::is_current(int root) const {
    struct stat now {};
    return fstatat(root, directory_.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == opened_.st_ino &&
           now.st_dev == opened_.st_dev;
}

FileTime file_time(const struct stat& info) { return {info.st_mtim.tv_sec, info.st_mtim.tv_nsec}; }

FileTime modification_time(int directory) {
    struct stat info {};
    return fstat(directory, &info) == 0 ? file_time(info) : FileTime{};
}

std::int64_t now_nanoseconds() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

void Listing::read(int directory, bool in_new, const std::string& name) {
    event::Fd again(openat(directory, ".", kDirectory));
    std::unique_ptr<DIR, CloseDirectory> stream(again ? fdopendir(again.get()) : nullptr);
    if (!stream)
        system_trouble(name + ": read directory");
    again.release();
    errno = 0;
    while (const dirent* entry = readdir(stream.get())) {
        std::string_view file = entry->d_name;
        if (!is_message_name(file) || !is_regular(directory, *entry))
            continue;
        std::string_view kept = keep(file);
        if (by_base_.emplace(maildir_base(kept), entries_.size()).second)
            entries_.push_back({kept, in_new, false});
    }
    if (errno != 0)
        system_trouble(name + ": read directory");
}

Listing::Entry* Listing::find(std::string_view base) {
    auto found = by_base_.find(base);
    return found == by_base_.end() ? nullptr : &entries_[found->second];
}

void Listing::clear() {
    entries_.clear();
    by_base_.clear();
    blocks_.clear();
    block_used_ = 0;
}

std::string_view Listing::keep(std::string_view text) {
    if (blocks_.empty() || block_used_ + text.size() > kBlock) {
        blocks_.push_back(std::make_unique<char[]>(kBlock));
        block_used_ = 0;
    }
    char* at = blocks_.back().get() + block_used_;
    std::memcpy(at, text.data(), text.size());
    block_used_ += text.size();
    return {at, text.size()};
}

}  // namespace store
