#include "lib/question/fair_slots.h"

#include <algorithm>

namespace question {

// A place in a line, left by whichever way the waiting ends.
class FairSlots::InLine {
  public:
    InLine(FairSlots& slots, Client client) : slots_(slots), client_(client), waiting_(slots.loop_) {
        slots_.lines_[client_].waiting.push_back(&waiting_);
    }
    ~InLine() { slots_.leave(client_, &waiting_); }
    InLine(const InLine&) = delete;
    Waiting& operator*() { return waiting_; }
    Waiting* operator->() { return &waiting_; }

  private:
    FairSlots& slots_;
    Client client_;
    Waiting waiting_;
};

FairSlots::Slot FairSlots::grant(Client client) {
    --free_;
    ++lines_[client].held;
    return {*this, client};
}

event::Task<std::optional<FairSlots::Slot>> FairSlots::take(Client client) {
    std::optional<Slot> slot;
    Line& line = lines_[client];
    if (free_ > 0 && line.held < limits_.each && line.waiting.empty()) {
        slot.emplace(grant(client));
        co_return slot;
    }
    if (line.waiting.size() >= limits_.waiting) {
        forget_idle(client);
        co_return slot;
    }
    InLine place(*this, client);
    while (!place->slot)
        co_await place->granted.wait();
    slot = std::move(place->slot);
    place->slot.reset();
    co_return slot;
}

void FairSlots::give_back(Client client) {
    ++free_;
    --lines_[client].held;
    serve_lines();
    forget_idle(client);
}

// In turn, beginning behind the client who was served last.
void FairSlots::serve_lines() {
    std::size_t idle = 0;  // clients in a row who took nothing
    auto next = lines_.upper_bound(last_);
    while (free_ > 0 && idle < lines_.size()) {
        if (next == lines_.end())
            next = lines_.begin();
        auto& [client, line] = *next++;
        if (line.waiting.empty() || line.held >= limits_.each) {
            ++idle;
            continue;
        }
        idle = 0;
        Waiting* first = line.waiting.front();
        line.waiting.pop_front();
        first->slot.emplace(grant(client));
        first->granted.notify_all();
        last_ = client;
    }
}

void FairSlots::leave(Client client, Waiting* waiting) {
    std::erase(lines_[client].waiting, waiting);
    forget_idle(client);
}

void FairSlots::forget_idle(Client client) {
    auto found = lines_.find(client);
    if (found != lines_.end() && found->second.held == 0 && found->second.waiting.empty())
        lines_.erase(found);
}

}  // namespace question
