// cleanup/params.h - the parameters that cleanup reads.
#pragma once

#include <chrono>
#include <string>

#include "lib/config/common_params.h"

namespace cleanup {

struct Params : config::CommonParams {
    config::Param<int> queue_fsync_threads{*this, "queue_fsync_threads", 64, {.min = 1, .max = 1024},
        "How many messages one cleanup process writes to the disk at the same time. The kernel merges syncs that "
        "wait together, so more of them make the queue faster; the threads only wait."};
    config::Param<bool> queue_directory_fsync{*this, "queue_directory_fsync", false,
        "Sync the directory as well after a queue file. ext4 and XFS do not need it; on file systems that do, it "
        "costs about half of the speed."};
    config::Param<std::int64_t> queue_minfree{*this, "queue_minfree", 0, {.min = 0},
        "How many octets must be free in the queue's file system before mail is taken in. 0 means no such test."};
    config::Param<config::List> message_drop_headers{*this, "message_drop_headers",
        "bcc, content-length, resent-bcc, return-path", "Header fields that are taken out of every message."};
    config::Param<std::string> undisclosed_recipients_header{
        *this, "undisclosed_recipients_header", "", "The header field, as a whole, that a message without To and Cc gets."};
    config::Param<bool> always_add_missing_headers{*this, "always_add_missing_headers", false,
        "Add From, Date and Message-Id where they are missing to all mail, not only to that of local origin."};
    config::Param<bool> enable_original_recipient{*this, "enable_original_recipient", true,
        "Remember the address that the client gave beside the one it was rewritten to, for X-Original-To. Copies "
        "for different original addresses are then not duplicates."};
    config::Param<int> duplicate_filter_limit{*this, "duplicate_filter_limit", 1000, {.min = 0},
        "How many recipients of one message are remembered to find duplicates. 0 means no limit."};
};

}  // namespace cleanup
