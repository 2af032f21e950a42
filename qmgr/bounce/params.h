// qmgr/bounce/params.h - the parameters that bounce reads.
#pragma once

#include "lib/config/common_params.h"

namespace bounce {

struct Params : config::CommonParams {
    config::Param<int> bounce_size_limit{*this, "bounce_size_limit", 50000, {.min = 1},
        "How much of a message a report returns, in octets. Of a larger one it returns the header only."};
    config::Param<config::List> notify_classes{*this, "notify_classes", "resource, software",
        "What the postmaster is told of: bounce (each report to a sender), 2bounce (reports that cannot be delivered "
        "themselves), delay (warnings to a sender)."};
    config::Param<std::string> bounce_notice_recipient{
        *this, "bounce_notice_recipient", "postmaster", {.min = 1}, "Who gets the notices of class bounce."};
    config::Param<std::string> two_bounce_notice_recipient{
        *this, "2bounce_notice_recipient", "postmaster", {.min = 1}, "Who gets the notices of class 2bounce."};
    config::Param<std::string> delay_notice_recipient{
        *this, "delay_notice_recipient", "postmaster", {.min = 1}, "Who gets the notices of class delay."};
};

}  // namespace bounce
