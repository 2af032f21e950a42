// local/deliver_to_path.h - one message for one recipient, written where a path says; local and virtual share it.
//
// Rights      the caller has become the recipient (lib/delivery/as_user.h).
#pragma once

#include <string>

#include "lib/delivery/agent.h"

namespace local {

// `agent` is how the log calls who delivers.
delivery::RecipientResult deliver_to_path(const delivery::Job& job, const delivery::DeliverRecipient& recipient,
    const std::string& path, const std::string& agent);

// "Return-Path: <...>", "X-Original-To: ...", "Delivered-To: ...": what final delivery adds.
std::string delivery_head(const delivery::DeliverRequest& request, const delivery::DeliverRecipient& recipient);

}  // namespace local
