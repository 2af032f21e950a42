#include "lib/queue/queue_name.h"

namespace queue {

// In the order of QueueName.
const std::array<Folder, 6> kFolders{{
    {"incoming", 0700, false},
    {"active", 0700, false},
    {"deferred", 0700, false},
    {"hold", 0700, false},
    {"corrupt", 0700, false},
    {"maildrop", 01730, true},
}};

std::string_view name_of(QueueName queue) { return kFolders[static_cast<std::size_t>(queue)].name; }

std::optional<QueueName> parse_queue_name(std::string_view name) {
    for (std::size_t i = 0; i < kFolders.size(); ++i)
        if (kFolders[i].name == name)
            return static_cast<QueueName>(i);
    return std::nullopt;
}

}  // namespace queue
