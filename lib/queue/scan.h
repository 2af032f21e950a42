// lib/queue/scan.h - what waits in some queues, in slices, so that a million messages take neither memory nor a long wait.
//
// Failure     a queue that cannot be read is passed over, and trouble() says so.
#pragma once

#include <dirent.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/queue/failure.h"
#include "lib/queue/queue_name.h"

namespace queue {

struct Entry {
    QueueName queue{};
    std::string id;
    std::int64_t due = 0;  // modification time, seconds
    mode_t mode = 0;
    std::int64_t size = 0;
};

class Scan {
  public:
    Scan(int root, std::vector<QueueName> queues) : root_{root}, queues_{std::move(queues)} {}

    // At most `count` entries that are queue ids, all of one queue; empty at the end of all.
    std::vector<Entry> next(std::size_t count);
    // Since the last time this was asked.
    std::optional<Failure> trouble() { return std::exchange(trouble_, std::nullopt); }

  private:
    bool open_next();

    struct Close {
        void operator()(DIR* directory) const { closedir(directory); }
    };
    int root_;
    std::vector<QueueName> queues_;
    std::size_t at_ = 0;  // the queue to be opened next
    std::unique_ptr<DIR, Close> directory_;
    std::optional<Failure> trouble_;
};

}  // namespace queue
