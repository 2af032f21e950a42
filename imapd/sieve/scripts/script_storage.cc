#include "imapd/sieve/scripts/script_storage.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "lib/event/fd.h"
#include "lib/file/replace.h"
#include "lib/sieve/host.h"

namespace scripts {
namespace {

using Kind = ScriptFailure::Kind;

constexpr std::string_view kEnding = ".sieve";
constexpr std::string_view kKept = "dovecot.orig";  // Dovecot's name for a file found in the link's place

std::unexpected<ScriptFailure> failure(Kind kind, std::string text) {
    return std::unexpected(ScriptFailure{kind, std::move(text)});
}

Kind kind_of(int error) {
    if (error == ENOENT)
        return Kind::not_found;
    return error == ENOSPC || error == EDQUOT ? Kind::too_large : Kind::temporary;
}

std::unexpected<ScriptFailure> trouble(std::string_view call, const std::string& path) {
    const int error = errno;
    return failure(kind_of(error), fmt::format("{} {}: {}", call, path, std::strerror(error)));
}

// Its words, and the kind that its errno belongs to.
Result<void> told(std::expected<void, file::Failure> done) {
    if (done)
        return {};
    return failure(kind_of(done.error().error), done.error().text());
}

Result<void> sync_folder(const std::string& folder) { return told(file::sync_directory(folder)); }

Result<void> make_path(const std::string& path) {
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST && (slash == std::string::npos || errno != EACCES))
            return trouble("create the directory", part);
        if (slash == std::string::npos)
            return {};
    }
}

bool is_link(const std::string& path) {
    struct stat info {};
    return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

std::string real_path(const std::string& path) {
    char* real = realpath(path.c_str(), nullptr);
    if (real == nullptr)
        return path;
    std::string found = real;
    free(real);
    return found;
}

}  // namespace

Result<ScriptFile> load_script(const std::string& path, std::size_t max) {
    const event::Fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file)
        return trouble("open", path);
    struct stat info {};
    if (fstat(file.get(), &info) != 0)
        return trouble("stat", path);
    if (!S_ISREG(info.st_mode))
        return failure(Kind::bad_name, path + " is not a regular file");
    if (static_cast<std::uint64_t>(info.st_size) > max)
        return failure(
            Kind::too_large, fmt::format("{} has {} octets, sieve_max_script_size is {}", path, info.st_size, max));
    ScriptFile script;
    script.path = real_path(path);
    script.name = script.path.substr(script.path.rfind('/') + 1);
    if (script.name.ends_with(kEnding))
        script.name.resize(script.name.size() - kEnding.size());
    char block[65536];
    for (;;) {
        const ssize_t count = read(file.get(), block, sizeof block);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return trouble("read", path);
        if (count == 0)
            return script;
        script.text.append(block, static_cast<std::size_t>(count));
        if (script.text.size() > max)
            return failure(Kind::too_large, fmt::format("{} grew beyond sieve_max_script_size", path));
    }
}

Result<const ScriptFile*> ScriptReader::load(const std::string& path) {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0)
        return trouble("stat", path);
    constexpr std::int64_t kSecond = 1'000'000'000;
    Known seen;
    seen.device = info.st_dev;
    seen.inode = info.st_ino;
    seen.size = static_cast<std::uint64_t>(info.st_size);
    seen.modified_ns = info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec;
    seen.changed_ns = info.st_ctim.tv_sec * kSecond + info.st_ctim.tv_nsec;
    Known& known = known_[path];
    const bool same = known.inode == seen.inode && known.device == seen.device && known.size == seen.size &&
                      known.modified_ns == seen.modified_ns && known.changed_ns == seen.changed_ns;
    // A file that changed in this very moment may change again without showing it.
    const bool settled = std::time(nullptr) * kSecond - seen.changed_ns > 2 * kSecond;
    if (same && settled)
        return &known.script;
    auto script = load_script(path, max_);
    if (!script)
        return std::unexpected(script.error());
    seen.script = std::move(*script);
    known = std::move(seen);
    return &known.script;
}

std::vector<std::string> script_paths(const std::vector<std::string>& places) {
    std::vector<std::string> paths;
    for (const std::string& place : places) {
        DIR* directory = opendir(place.c_str());
        if (directory == nullptr) {
            if (access(place.c_str(), F_OK) == 0)
                paths.push_back(place);
            continue;
        }
        const auto first = static_cast<std::ptrdiff_t>(paths.size());
        while (const dirent* entry = readdir(directory))
            if (std::string_view(entry->d_name).ends_with(kEnding))
                paths.push_back(place + "/" + entry->d_name);
        closedir(directory);
        std::sort(paths.begin() + first, paths.end());
    }
    return paths;
}

ScriptStorage::ScriptStorage(std::string directory, std::string active_link, Quota quota)
    : directory_(std::move(directory)), active_link_(std::move(active_link)), quota_(quota) {}

std::string ScriptStorage::path_of(std::string_view name) const { return fmt::format("{}/{}{}", directory_, name, kEnding); }

Result<void> ScriptStorage::make_directory() const { return make_path(directory_); }

std::string ScriptStorage::active_name() const {
    if (!is_link(active_link_))
        return "";
    const std::string target = real_path(active_link_);
    const std::string real_directory = real_path(directory_) + "/";
    if (!target.starts_with(real_directory) || !target.ends_with(kEnding) || access(target.c_str(), F_OK) != 0)
        return "";
    const std::string name = target.substr(real_directory.size(), target.size() - real_directory.size() - kEnding.size());
    return name.find('/') == std::string::npos ? name : "";
}

Result<std::vector<ScriptEntry>> ScriptStorage::list() const {
    std::vector<ScriptEntry> found;
    DIR* directory = opendir(directory_.c_str());
    if (directory == nullptr && errno == ENOENT)
        return found;
    if (directory == nullptr)
        return trouble("open the directory", directory_);
    const std::string active = active_name();
    while (const dirent* entry = readdir(directory)) {
        const std::string_view file = entry->d_name;
        if (!file.ends_with(kEnding) || file.size() == kEnding.size())
            continue;
        ScriptEntry script;
        script.name = file.substr(0, file.size() - kEnding.size());
        struct stat info {};
        if (!sieve::is_valid_script_name(script.name) || fstatat(dirfd(directory), entry->d_name, &info, 0) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        script.size = static_cast<std::uint64_t>(info.st_size);
        script.active = script.name == active;
        found.push_back(std::move(script));
    }
    closedir(directory);
    std::sort(found.begin(), found.end(), [](const ScriptEntry& a, const ScriptEntry& b) { return a.name < b.name; });
    return found;
}

namespace {

Result<void> require_name(std::string_view name) {
    if (!sieve::is_valid_script_name(name))
        return failure(Kind::bad_name, fmt::format("\"{}\" cannot be a script's name", name));
    return {};
}

std::unexpected<ScriptFailure> no_such(std::string_view name) {
    return failure(Kind::not_found, fmt::format("There is no script \"{}\"", name));
}

}  // namespace

Result<std::string> ScriptStorage::get(std::string_view name) const {
    if (auto valid = require_name(name); !valid)
        return std::unexpected(valid.error());
    auto script = load_script(path_of(name), std::max<std::size_t>(quota_.script_size, 64 << 20));
    if (!script)
        return script.error().kind == Kind::not_found ? Result<std::string>(no_such(name))
                                                      : Result<std::string>(std::unexpected(script.error()));
    return std::move(script->text);
}

Result<void> ScriptStorage::have_space(std::string_view name, std::uint64_t size) const {
    if (auto valid = require_name(name); !valid)
        return valid;
    if (size > quota_.script_size)
        return failure(
            Kind::too_large, fmt::format("A script may have {} octets, this one has {}", quota_.script_size, size));
    auto present = list();
    if (!present)
        return std::unexpected(present.error());
    std::uint64_t storage = size;
    std::size_t others = 0;
    for (const ScriptEntry& script : *present) {
        if (script.name == name)
            continue;
        ++others;
        storage += script.size;
    }
    if (quota_.scripts > 0 && others >= quota_.scripts)
        return failure(Kind::too_many, fmt::format("There may be {} scripts, and there are as many", quota_.scripts));
    if (quota_.storage > 0 && storage > quota_.storage)
        return failure(
            Kind::too_large, fmt::format("All scripts together may have {} octets; with this one they would have {}",
                                 quota_.storage, storage));
    return {};
}

Result<void> ScriptStorage::put(std::string_view name, std::string_view text) {
    if (auto space = have_space(name, text.size()); !space)
        return space;
    if (auto made = make_directory(); !made)
        return made;
    return told(file::replace_file(path_of(name), text, {.mode = 0600, .keep_rights = false}));
}

Result<void> ScriptStorage::remove(std::string_view name) {
    if (auto valid = require_name(name); !valid)
        return valid;
    if (active_name() == name)
        return failure(Kind::active, fmt::format("The script \"{}\" is active", name));
    if (unlink(path_of(name).c_str()) != 0)
        return errno == ENOENT ? Result<void>(no_such(name)) : Result<void>(trouble("remove", path_of(name)));
    return sync_folder(directory_);
}

Result<void> ScriptStorage::rename(std::string_view from, std::string_view to) {
    for (const std::string_view name : {from, to})
        if (auto valid = require_name(name); !valid)
            return valid;
    const std::string old_path = path_of(from), new_path = path_of(to);
    if (access(old_path.c_str(), F_OK) != 0)
        return no_such(from);
    const bool was_active = active_name() == from;
    // link() and not rename(): a script that appeared meanwhile under the new name stays.
    if (link(old_path.c_str(), new_path.c_str()) != 0)
        return errno == EEXIST ? Result<void>(failure(Kind::exists, fmt::format("There is a script \"{}\" already", to)))
                               : Result<void>(trouble("create", new_path));
    if (was_active)
        if (auto moved = replace_link(new_path); !moved) {
            unlink(new_path.c_str());
            return moved;
        }
    if (unlink(old_path.c_str()) != 0)
        return trouble("remove", old_path);
    return sync_folder(directory_);
}

Result<void> ScriptStorage::replace_link(const std::string& target) {
    const std::string fresh = fmt::format("{}.{}.new", active_link_, getpid());
    unlink(fresh.c_str());
    // Relative where it can be, as Dovecot writes it: the home may move.
    const std::string folder = file::directory_of(active_link_) + "/";
    const std::string to = target.starts_with(folder) ? target.substr(folder.size()) : target;
    if (symlink(to.c_str(), fresh.c_str()) != 0)
        return trouble("create", fresh);
    if (::rename(fresh.c_str(), active_link_.c_str()) != 0) {
        auto failed = trouble("rename to", active_link_);
        unlink(fresh.c_str());
        return failed;
    }
    return sync_folder(file::directory_of(active_link_));
}

// A file where the link should be was written by hand, or by another program: it becomes a script before the link takes its
// place.
Result<void> ScriptStorage::keep_plain_file() {
    struct stat info {};
    if (lstat(active_link_.c_str(), &info) != 0 || S_ISLNK(info.st_mode))
        return {};
    if (auto made = make_directory(); !made)
        return made;
    for (int number = 0;; ++number) {
        const std::string path = path_of(number == 0 ? std::string(kKept) : fmt::format("{}.{}", kKept, number));
        if (link(active_link_.c_str(), path.c_str()) == 0)
            return sync_folder(directory_);
        if (errno != EEXIST || number > 1000)
            return trouble("keep as", path);
    }
}

Result<void> ScriptStorage::activate(std::string_view name) {
    if (!name.empty()) {
        if (auto valid = require_name(name); !valid)
            return valid;
        if (access(path_of(name).c_str(), F_OK) != 0)
            return no_such(name);
    }
    if (auto kept = keep_plain_file(); !kept)
        return kept;
    if (!name.empty())
        return replace_link(path_of(name));
    if (unlink(active_link_.c_str()) != 0 && errno != ENOENT)
        return trouble("remove", active_link_);
    return sync_folder(file::directory_of(active_link_));
}

Result<std::optional<ScriptFile>> ScriptStorage::load_active() const {
    auto script = load_script(active_link_, quota_.script_size);
    if (script)
        return std::optional(std::move(*script));
    if (script.error().kind == Kind::not_found)
        return std::optional<ScriptFile>{};
    return std::unexpected(script.error());
}

}  // namespace scripts
