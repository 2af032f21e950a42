// lib/store/maildir/drop.h - a message into a Maildir as any delivery program does it: a file in new/, and nothing else.
//
// Standards   maildir(5)
#pragma once

#include <memory>
#include <string>

#include "lib/store/mailbox.h"

namespace store {

Result<std::unique_ptr<Delivery>> begin_maildir_drop(const std::string& path);

}  // namespace store
