// lib/queue/queue_name.h - the queues that people know by name, and the folders they are.
//
// Where a message lies is lib/queue's own business; others speak of queues by these names, to people and to tools.
//
//     incoming  fresh, until its first attempt is over      deferred  waits for its next attempt
//     hold      waits for the administrator                 corrupt   damaged, for the administrator to look at
//     maildrop  submitted here, not yet collected           active    Postfix's place for what is being delivered; with us
//                                                                     that is a lock, so only others' files lie there
//
// Failure     parse_queue_name() gives no value for another name.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace queue {

enum class QueueName : std::uint8_t { incoming, active, deferred, hold, corrupt, maildrop };

std::string_view name_of(QueueName queue);
std::optional<QueueName> parse_queue_name(std::string_view name);

// What postsuper goes through when nobody says otherwise, in its order.
inline constexpr std::array kMessageQueues{QueueName::hold, QueueName::incoming, QueueName::active, QueueName::deferred};

// A folder below queue_directory, for whoever makes them.
struct Folder {
    std::string_view name;
    mode_t mode;
    bool setgid_group;  // users' set-gid command writes there; else it is mail_owner's alone
};
extern const std::array<Folder, 6> kFolders;

}  // namespace queue
