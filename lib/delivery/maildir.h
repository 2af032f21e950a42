// lib/delivery/maildir.h - a message into a Maildir, as any delivery program does it.
//
// The file is written in tmp/, renamed to new/ and synced, in this order: then name and content survive a power cut
// together (a sync before the rename may leave the file in tmp/). Names are unique by time, device, inode and
// microsecond, as Postfix makes them.
//
// Standards   maildir(5)
// Failure     a reason and whether it may pass; nothing is left behind. A folder that is a symbolic link or belongs
//             to somebody else is not used.
// Rights      the caller has become the recipient; see as_user.h.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lib/delivery/agent.h"

namespace delivery {

struct MaildirFailure {
    std::string dsn;
    std::string text;
};

// `head` goes in front of the content: Return-Path, Delivered-To.
std::expected<void, MaildirFailure> deliver_to_maildir(
    const std::string& directory, std::string_view head, const Job& job, const std::string& host_name);

// "Return-Path: <...>", "X-Original-To: ...", "Delivered-To: ...": what final delivery adds.
std::string delivery_head(const DeliverRequest& request, const DeliverRecipient& recipient);

}  // namespace delivery
