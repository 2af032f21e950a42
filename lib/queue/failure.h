// lib/queue/failure.h - what can be wrong with the queue: the system refused, or a file is damaged.
#pragma once

#include <string>

namespace queue {

// The system refused: error is an errno value, text says which call on which file.
struct Failure {
    int error = 0;
    std::string text;
    bool disk_full() const;
};

struct Damage {
    enum class Kind {
        unfinished,  // no preamble yet: being written, or left by a crash; never acknowledged
        damaged,     // nothing that can be delivered
        unreadable,  // the system could not read it now
    };
    Kind kind = Kind::damaged;
    std::string text;
};

}  // namespace queue
