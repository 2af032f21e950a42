#include "lib/store/maildir/message_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "lib/file/write.h"
#include "lib/store/maildir/name.h"
#include "lib/store/thrown_failure.h"

namespace store {
namespace {
constexpr std::size_t kBuffer = 65536;
}

MessageFile::MessageFile(std::shared_ptr<Folder> folder, std::string mailbox)
    : folder_(std::move(folder)), mailbox_(std::move(mailbox)), unique_(unique_maildir_name()) {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    file_ = event::Fd(openat(folder_->tmp(), unique_.c_str(), kFlags, 0600));
    if (!file_)
        system_trouble(mailbox_ + ": create file in tmp");
}

MessageFile::~MessageFile() {
    if (file_ && directory_ < 0)
        unlinkat(folder_->tmp(), unique_.c_str(), 0);
}

void MessageFile::write(std::string_view chunk) {
    count(chunk);
    if (buffer_.size() + chunk.size() < kBuffer) {
        buffer_ += chunk;
        return;
    }
    flush();
    put(chunk);
}

void MessageFile::count(std::string_view chunk) {
    size_ += chunk.size();
    for (std::size_t at = chunk.find('\n'); at != std::string_view::npos; at = chunk.find('\n', at + 1)) {
        char before = at == 0 ? last_ : chunk[at - 1];
        if (before != '\r')
            ++bare_;
    }
    if (!chunk.empty())
        last_ = chunk.back();
}

void MessageFile::put(std::string_view octets) {
    if (!file::write_all(file_.get(), octets))
        system_trouble(mailbox_ + ": write message");
}

void MessageFile::flush() {
    put(buffer_);
    buffer_.clear();
}

void MessageFile::set_date(std::int64_t seconds) {
    flush();
    timespec times[2] = {{seconds, 0}, {seconds, 0}};
    if (futimens(file_.get(), times) != 0)
        system_trouble(mailbox_ + ": set date of message");
}

std::string MessageFile::base_name() const { return fmt::format("{},S={},W={}", unique_, size(), virtual_size()); }

void MessageFile::publish(int directory, std::string name) {
    flush();
    if (renameat(folder_->tmp(), unique_.c_str(), directory, name.c_str()) != 0)
        system_trouble(mailbox_ + ": rename message");
    directory_ = directory;
    name_ = std::move(name);
}

void MessageFile::retract() {
    if (renameat(directory_, name_.c_str(), folder_->tmp(), unique_.c_str()) == 0)
        directory_ = -1;
}

void MessageFile::sync() {
    if (fsync(file_.get()) == 0)
        return;
    int error = errno;
    unlinkat(directory_, name_.c_str(), 0);
    system_trouble(mailbox_ + ": sync message", error);
}

}  // namespace store
