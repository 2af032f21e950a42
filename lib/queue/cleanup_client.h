// lib/queue/cleanup_client.h - hands a message to cleanup, for the programs that make or collect whole messages.
//
// Connections are kept and used again. A kept connection that cleanup has closed meanwhile is replaced once.
//
// Failure     every failure is a reply: 451 4.3.0 with the reason where cleanup could not be asked.
// See also    lib/ipc/records/cleanup.h
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/cleanup.h"

namespace queue {

class CleanupClient {
  public:
    // Gives the content piece by piece from its beginning, at most 64 KiB each; empty at its end. `restart` is true
    // in the first call of each attempt.
    using Content = std::function<std::string(bool restart)>;

    explicit CleanupClient(event::Loop& loop, std::string path = "public/cleanup") : loop_{loop}, path_{std::move(path)} {}

    event::Task<ipc::records::CleanupReply> submit(ipc::records::CleanupOpen open, Content content);

  private:
    struct Connection {
        ipc::Channel channel;
        bool used = false;  // it has carried a message already
    };
    event::Task<Connection> take_connection();
    event::Task<std::expected<ipc::records::CleanupReply, std::string>> try_once(
        const ipc::records::CleanupOpen& open, const Content& content, bool& stale);
    event::Task<std::expected<ipc::records::CleanupReply, std::string>> talk(
        Connection& connection, const ipc::records::CleanupOpen& open, const Content& content);

    event::Loop& loop_;
    std::string path_;
    std::vector<Connection> idle_;
};

}  // namespace queue
