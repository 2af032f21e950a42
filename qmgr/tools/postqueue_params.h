// qmgr/tools/postqueue_params.h - the main.cf parameters of postqueue(1) and mailq(1).
#pragma once

#include "lib/config/common_params.h"

namespace tools {

struct PostqueueParams : config::CommonParams {
    config::Param<config::List> authorized_mailq_users{
        *this, "authorized_mailq_users", "static:anyone", "The users who may list the queue, by login name."};
    config::Param<config::List> authorized_flush_users{
        *this, "authorized_flush_users", "static:anyone", "The users who may flush the queue, by login name."};
    config::Param<config::List> fast_flush_domains{
        *this, "fast_flush_domains", "$relay_domains", "The domains whose mail postqueue -s and ETRN may ask for."};
};

}  // namespace tools
