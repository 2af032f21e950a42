// lib/store/drop.h - a message put where a mail reader will look for it, as any delivery agent does: no index, no UID.
//
//     auto drop = store::find_drop("/home/alice/Maildir/");       // what is written at such a path?
//     auto delivery = (*drop)->begin(path);
//     while (chunk) (*delivery)->write(chunk);
//     auto delivered = (*delivery)->commit({});                   // on the disk; delivered->uid is 0: nobody has counted it
//     yet
//
// Postfix's rule says what lies at a path: one that ends in "/" is a folder of files, another is one file with all messages.
//
// Failure     not_allowed for a kind that is not written; no_space and temporary mean "try again".
// Rights      the caller has become the recipient; what does not belong to them is not written into.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lib/store/mailbox.h"

namespace store {

struct Drop {
    std::string_view ending;  // of the path
    std::string_view name;    // "maildir": what a log says
    Result<std::unique_ptr<Delivery>> (*begin)(const std::string& path);
};

Result<const Drop*> find_drop(std::string_view path);

}  // namespace store
