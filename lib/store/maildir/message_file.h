// lib/store/maildir/message_file.h - a message on its way into a Maildir: written in tmp/, then under its name.
//
//     MessageFile file(folder, "INBOX");
//     while (chunk) file.write(chunk);
//     file.publish(folder->fresh(), name);     // one rename: from here on others see it
//     file.sync();                             // from here on a power cut does not take it
//
// In this order (name before sync) one sync makes content and name durable together; a sync before the rename may leave the
// file in tmp/. It was measured on ext4 with and without a journal and on XFS.
//
// Standards   maildir(5)
// Failure     throws ThrownFailure that names the mailbox. What was not published, or could not be synced, is removed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/store/maildir/folder.h"

namespace store {

class MessageFile {
  public:
    MessageFile(std::shared_ptr<Folder> folder, std::string mailbox);
    MessageFile(const MessageFile&) = delete;
    MessageFile& operator=(const MessageFile&) = delete;
    ~MessageFile();

    void write(std::string_view chunk);
    void set_date(std::int64_t seconds);  // since 1970; after the last write

    std::uint64_t size() const { return size_; }
    std::uint64_t virtual_size() const { return size_ + bare_; }  // with CR LF line ends

    // "1767225600.M123P77Q1.host,S=2048,W=2090": unique, with what is written so far.
    std::string base_name() const;

    void publish(int directory, std::string name);
    void retract();  // back to tmp/: nothing of it may be seen
    void sync();

  private:
    void count(std::string_view chunk);
    void put(std::string_view octets);
    void flush();

    std::shared_ptr<Folder> folder_;
    std::string mailbox_;
    std::string unique_;
    event::Fd file_;
    std::string buffer_;
    std::uint64_t size_ = 0;
    std::uint64_t bare_ = 0;
    char last_ = 0;
    int directory_ = -1;  // where it was published
    std::string name_;
};

}  // namespace store
