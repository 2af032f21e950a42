#include "lib/delivery/maildir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "lib/event/fd.h"
#include "lib/file/write.h"
#include "lib/time/clock.h"

namespace delivery {
namespace {

MaildirFailure failure(const std::string& what) {
    int error = errno;
    bool full = error == ENOSPC || error == EDQUOT;
    return {full ? "4.2.2" : "4.2.0", what + ": " + std::strerror(error)};
}

// Opens a folder without following a link at its end; makes it where it is missing.
std::expected<event::Fd, MaildirFailure> open_folder(int parent, const std::string& name, const std::string& path) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        event::Fd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (folder)
            return folder;
        if (errno != ENOENT || attempt > 0 || (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST))
            break;
    }
    return std::unexpected(failure("cannot open the maildir folder " + path));
}

std::expected<event::Fd, MaildirFailure> open_maildir(const std::string& directory) {
    event::Fd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root && errno == ENOENT && ::mkdir(directory.c_str(), 0700) == 0)
        root.reset(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root)
        return std::unexpected(failure("cannot open the maildir " + directory));
    struct stat found {};
    if (::fstat(root.get(), &found) != 0 || found.st_uid != ::geteuid())
        return std::unexpected(MaildirFailure{"4.2.0", "the maildir " + directory + " does not belong to its user"});
    for (const char* name : {"cur", "new", "tmp"})
        if (auto folder = open_folder(root.get(), name, directory + "/" + name); !folder)
            return std::unexpected(folder.error());
    return root;
}

bool write_message(int descriptor, std::string_view head, const Job& job) {
    if (!file::write_all(descriptor, head))
        return false;
    ContentReader reader(job);
    for (std::string_view block = reader.next(); !block.empty(); block = reader.next())
        if (!file::write_all(descriptor, block))
            return false;
    return true;
}

// "/" and ":" mean something in a Maildir.
std::string safe_host(const std::string& name) {
    std::string safe;
    for (char c : name)
        safe += c == '/' ? "\\057" : c == ':' ? "\\072" : std::string(1, c);
    return safe;
}

}  // namespace

std::expected<void, MaildirFailure> deliver_to_maildir(
    const std::string& directory, std::string_view head, const Job& job, const std::string& host_name) {
    auto root = open_maildir(directory);
    if (!root)
        return std::unexpected(root.error());
    static std::atomic<unsigned> counter{0};
    std::int64_t now = wall_clock::now_us();
    std::string host = safe_host(host_name);
    std::string temporary = fmt::format("tmp/{}.P{}Q{}.{}", now / 1000000, ::getpid(), ++counter, host);
    event::Fd file(::openat(root->get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file)
        return std::unexpected(failure("cannot create a file in " + directory + "/tmp"));
    struct stat made {};
    bool written = ::fstat(file.get(), &made) == 0 && write_message(file.get(), head, job);
    std::string final = fmt::format("new/{}.V{:x}I{:x}M{}.{}", now / 1000000, made.st_dev, made.st_ino, now % 1000000, host);
    bool renamed = written && ::renameat(root->get(), temporary.c_str(), root->get(), final.c_str()) == 0;
    if (renamed && ::fsync(file.get()) == 0)
        return {};
    MaildirFailure why = failure("cannot write to " + directory);
    ::unlinkat(root->get(), (renamed ? final : temporary).c_str(), 0);
    return std::unexpected(why);
}

std::string delivery_head(const DeliverRequest& request, const DeliverRecipient& recipient) {
    std::string head = "Return-Path: <" + request.mail.sender + ">\r\n";
    head += "X-Original-To: " + recipient.recipient.given() + "\r\n";
    head += "Delivered-To: " + recipient.recipient.address + "\r\n";
    return head;
}

}  // namespace delivery
