// qmgr/params.h - the parameters that the queue manager reads.
//
// Those that exist per transport ("lmtp_destination_concurrency_limit") are read by transport_limits.h; here are
// their defaults.
#pragma once

#include <chrono>
#include <string>

#include "lib/config/common_params.h"

namespace qmgr {

struct Params : config::CommonParams {
    config::Param<int> qmgr_message_active_limit{*this, "qmgr_message_active_limit", 20000, {.min = 1},
        "How many messages the queue manager holds in memory. The rest waits on the disk. Each needs an open "
        "file, so the system's limit on open files may make it smaller."};
    config::Param<int> qmgr_message_recipient_limit{*this, "qmgr_message_recipient_limit", 20000, {.min = 1},
        "How many recipients the queue manager holds in memory before it takes in no further message."};
    config::Param<std::chrono::seconds> minimal_backoff_time{*this, "minimal_backoff_time", "300s",
        {.min = std::chrono::seconds(1)},
        "The shortest time between two attempts to deliver a deferred message, and how long a dead destination is "
        "left alone."};
    config::Param<std::chrono::seconds> maximal_backoff_time{*this, "maximal_backoff_time", "4000s",
        {.min = std::chrono::seconds(1)}, "The longest time between two attempts to deliver a deferred message."};
    config::Param<std::chrono::seconds> queue_run_delay{*this, "queue_run_delay", "300s", {.min = std::chrono::seconds(1)},
        "How often the deferred queue is searched for messages that are due."};
    config::Param<std::chrono::seconds> maximal_queue_lifetime{
        *this, "maximal_queue_lifetime", "5d", "How old a message may become before it is returned as undeliverable."};
    config::Param<std::chrono::seconds> bounce_queue_lifetime{*this, "bounce_queue_lifetime", "5d",
        "How old a message from the null sender, a report, may become before it is given up."};
    config::Param<std::chrono::seconds> delay_warning_time{
        *this, "delay_warning_time", "0h", "After what time the sender is told of a delay. 0 means never."};
    config::Param<std::chrono::seconds> transport_retry_time{*this, "transport_retry_time", "60s",
        {.min = std::chrono::seconds(1)}, "How long a delivery service that cannot be reached is left alone."};
    config::Param<int> initial_destination_concurrency{*this, "initial_destination_concurrency", 5, {.min = 1},
        "With how many deliveries at a time a destination is begun."};
    config::Param<int> default_destination_concurrency_limit{*this, "default_destination_concurrency_limit", 20, {.min = 0},
        "How many deliveries at a time one destination gets at most. 0 means no limit."};
    config::Param<int> default_destination_recipient_limit{*this, "default_destination_recipient_limit", 50, {.min = 0},
        "How many recipients one delivery carries at most. 1 makes each recipient a destination of its own; 0 means "
        "no limit."};
    config::Param<int> default_destination_concurrency_failed_cohort_limit{*this,
        "default_destination_concurrency_failed_cohort_limit", 1, {.min = 0},
        "After how many rounds of failed connections a destination counts as dead. 0 means never."};
    config::Param<std::string> default_destination_concurrency_positive_feedback{*this,
        "default_destination_concurrency_positive_feedback", "1",
        "By how much a delivery without connection trouble widens a destination's concurrency: a number, or a "
        "number divided by concurrency or sqrt_concurrency."};
    config::Param<std::string> default_destination_concurrency_negative_feedback{*this,
        "default_destination_concurrency_negative_feedback", "1",
        "By how much connection trouble narrows a destination's concurrency."};
    config::Param<config::List> defer_transports{
        *this, "defer_transports", "", "Delivery services that are used only when somebody flushes the queue."};
};

}  // namespace qmgr
