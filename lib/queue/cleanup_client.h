// lib/queue/cleanup_client.h - hands a message to cleanup, for the programs that make or collect whole messages.
//
// Connections are kept and used again. A message is said twice only where cleanup cannot have read it whole the first time,
// so that it never comes into the queue twice.
//
// Failure     every failure is a reply: 451 4.3.0 with the reason where cleanup could not be asked.
// See also    lib/ipc/records/cleanup.h
#pragma once

#include <functional>
#include <string>

#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/ipc/cleanup_pool.h"
#include "lib/ipc/records/cleanup.h"
#include "lib/queue/file_content.h"

namespace queue {

class CleanupClient {
  public:
    // Gives the content piece by piece from its beginning, at most 64 KiB each; empty at its end. `restart` is true
    // in the first call of each attempt.
    using Content = std::function<std::string(bool restart)>;
    // What cannot be read is not the end of the content: a Content says so by this, and nothing half comes into the queue.
    [[noreturn]] static void break_off(const std::string& why);
    // Of a file, which must outlive it.
    static Content content_of(FileContent::Reader& reader);

    explicit CleanupClient(event::Loop& loop, std::string path = "public/cleanup");

    event::Task<ipc::records::CleanupReply> submit(ipc::records::CleanupOpen open, Content content);

  private:
    ipc::CleanupPool pool_;
};

}  // namespace queue
