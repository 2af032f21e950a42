// lib/store/failure.h - what can go wrong with a mailbox, and what its callers make of it.
#pragma once

#include <expected>
#include <string>

namespace store {

struct Failure {
    enum class Kind {
        not_found,    // no such mailbox or message: NO [NONEXISTENT] / [TRYCREATE]
        exists,       // the mailbox is there already: NO [ALREADYEXISTS]
        bad_name,     // the name cannot be a mailbox: NO [CANNOT]
        not_allowed,  // the operation makes no sense on this mailbox: NO [CANNOT]
        limit,        // too many keywords and the like: NO [LIMIT]
        no_space,     // disk full or quota: NO [OVERQUOTA], 452 4.2.2
        temporary,    // try again: NO [UNAVAILABLE], 451
    };
    Kind kind = Kind::temporary;
    std::string text;  // for the log and the person: names the mailbox or file
};

template <class T>
using Result = std::expected<T, Failure>;

}  // namespace store
