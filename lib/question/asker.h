// lib/question/asker.h - who asks: where an answer is waited for, for whom, how long, and what is written down.
//
//     question::Asker asker(loop);
//     asker.client = session_number;              // shares are fair among clients
//     asker.record = &record;                     // explain
//     dict::Answer answer = co_await maps.lookup(asker, key);
//
// Lifetime    outlives its questions: a member of the session, or a variable of the coroutine that asks. Everything it
//             points to outlives it.
#pragma once

#include <chrono>
#include <cstdint>

#include "lib/question/cancellation.h"
#include "lib/question/record.h"

namespace event {
class Loop;
}

namespace question {

// Who wants a share of his own: a session takes a number.
using Client = std::uint64_t;
inline constexpr Client kNobody = 0;
Client next_client();

struct Asker {
    Asker() = default;  // cannot wait: a source that answers later is "try later" for it
    explicit Asker(event::Loop& the_loop) : loop(&the_loop) {}

    event::Loop* loop = nullptr;
    Client client = kNobody;
    std::chrono::milliseconds limit{0};  // for each question; 0: as long as the source allows, which is never exceeded
    bool fresh = false;                  // what others were told before does not count
    Cancellation* cancellation = nullptr;
    Record* record = nullptr;

    bool is_cancelled() const { return cancellation != nullptr && cancellation->cancelled(); }
    // Nothing to heed but the answer: no limit, no record, nobody who could take the question back.
    bool is_plain() const { return loop != nullptr && limit.count() == 0 && cancellation == nullptr && record == nullptr; }
};

}  // namespace question
