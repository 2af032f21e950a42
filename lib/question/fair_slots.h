// lib/question/fair_slots.h - so many at once, and nobody more than his share.
//
//     std::optional<FairSlots::Slot> slot = co_await slots.take(client);
//     if (!slot) ... // his own line is full
//     ... until the slot goes out of scope
//
// Who finds no slot free, or holds his share already, waits in a line of his own; whatever becomes free goes to the
// clients in turn, whoever asked first or most. So a client with a thousand questions keeps nobody with one waiting longer
// than one turn.
//
// Failure     a line that is full; cancelling the task that waits takes it out of its line.
// Lifetime    outlives its slots.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/question/asker.h"

namespace question {

class FairSlots {
  public:
    struct Limits {
        std::size_t all = 1000;
        std::size_t each = 100;      // held by one client
        std::size_t waiting = 1000;  // in the line of one client
    };
    FairSlots(event::Loop& loop, Limits limits) : loop_(loop), limits_(limits), free_(limits.all) {}
    FairSlots(const FairSlots&) = delete;

    class Slot {
      public:
        Slot(FairSlots& slots, Client client) : slots_(&slots), client_(client) {}
        Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)), client_(other.client_) {}
        Slot& operator=(Slot&& other) noexcept {
            std::swap(slots_, other.slots_);
            std::swap(client_, other.client_);
            return *this;
        }
        ~Slot() {
            if (slots_ != nullptr)
                slots_->give_back(client_);
        }

      private:
        FairSlots* slots_;
        Client client_;
    };

    event::Task<std::optional<Slot>> take(Client client);
    std::size_t available() const { return free_; }
    std::size_t clients() const { return lines_.size(); }

  private:
    struct Waiting {
        explicit Waiting(event::Loop& loop) : granted(loop) {}
        event::Notice granted;
        std::optional<Slot> slot;
    };
    struct Line {
        std::size_t held = 0;
        std::deque<Waiting*> waiting;
    };
    class InLine;

    Slot grant(Client client);
    void give_back(Client client);
    void serve_lines();
    void leave(Client client, Waiting* waiting);
    void forget_idle(Client client);

    event::Loop& loop_;
    Limits limits_;
    std::size_t free_;
    std::map<Client, Line> lines_;
    Client last_ = 0;  // whose turn it was
};

}  // namespace question
