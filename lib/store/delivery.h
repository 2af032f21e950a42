// lib/store/delivery.h - how a delivery agent puts a message into a mailbox.
//
//     auto delivery = store::begin_delivery({.location = "maildir:/home/alice/Maildir"}, "INBOX");
//     while (chunk) (*delivery)->write(chunk);
//     auto delivered = (*delivery)->commit({});      // on the disk; delivered->uid
//
// Any number of threads and processes may deliver into the same mailbox. What is open stays open for the
// next delivery, up to kOpenAccounts users per process.
//
// Failure     Failure::Kind::no_space and temporary mean "try again" (4xx); not_found means that the mailbox
//             does not exist: deliver to INBOX instead.
#pragma once

#include <memory>
#include <string_view>

#include "lib/store/account.h"
#include "lib/store/mailbox.h"

namespace store {

inline constexpr std::size_t kOpenAccounts = 64;

Result<std::unique_ptr<Delivery>> begin_delivery(const AccountSettings& settings, std::string_view mailbox);

}  // namespace store
