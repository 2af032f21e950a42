// lib/store/maildir/uid_list.h - dovecot-uidlist: which UID a file has whose name does not say it.
//
//     3 V1700000000 N0000000257 G0123456789abcdef0123456789abcdef M0001764500000000000
//     12 :1767225600.M1P1.host,S=2048
//
// V is UIDVALIDITY; lines may be added at the end at any time. N is a promise on the disk: UIDs below it
// may have been given out, so that after the loss of everything else none is given out twice. M promises the
// same for modseqs. We write both with all their digits and ahead of need, so that they can be raised in
// place. Dovecot reads and writes the same file, and keeps M, which it does not know; the version 1 header is
// understood too.
//
// Callers hold the user's write transaction.
//
// Failure     throws ThrownFailure naming the mailbox; an unreadable line is skipped.
// Trust       the file belongs to the user, who may have written anything into it.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/fd.h"

namespace store {

struct UidListEntry {
    std::uint32_t uid = 0;
    std::string base;
};

class UidList {
  public:
    // `folder` is the mailbox's directory, `name` how messages call it.
    UidList(int folder, std::string name) : folder_(folder), name_(std::move(name)) {}

    struct Contents {
        bool found = false;
        std::uint32_t uid_validity = 0;
        std::uint32_t uid_next = 1;
        std::uint64_t modseq_next = 0;  // 0: the list promises nothing
        std::string guid;               // 32 hexadecimal digits
        std::vector<UidListEntry> entries;
        std::int64_t lines = 0;
    };
    Contents read();

    // Where the file is now; false if there is none.
    bool identity(struct stat& info) const;

    // Adds lines at the end; durable only if asked.
    void append(const std::vector<UidListEntry>& entries, bool durable);

    // Raises N and M, durably. The file must exist.
    void raise(std::uint32_t uid_next, std::uint64_t modseq_next);

    // Writes the whole file anew, durably.
    void rewrite(const Contents& contents);

  private:
    event::Fd open_file(int flags) const;

    int folder_;
    std::string name_;
};

std::string format_uid_list(const UidList::Contents& contents);
UidList::Contents parse_uid_list(std::string_view text);

}  // namespace store
