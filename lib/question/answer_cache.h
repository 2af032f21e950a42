// lib/question/answer_cache.h - answers that may be told again, each until its own time is over.
//
// Failure     what does not fit pushes out what was not asked for the longest.
// Lifetime    an answer that find() points to is good until the next put().
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

#include "lib/event/loop.h"

namespace question {

template <class Answer>
class AnswerCache {
  public:
    explicit AnswerCache(std::size_t octets) : room_(octets) {}

    const Answer* find(const std::string& key) {
        auto found = places_.find(key);
        if (found == places_.end())
            return nullptr;
        if (event::Clock::now() >= found->second->until) {
            remove(found->second);
            return nullptr;
        }
        entries_.splice(entries_.begin(), entries_, found->second);
        return &found->second->answer;
    }

    // `size` is about what the answer takes.
    void put(const std::string& key, Answer answer, std::chrono::milliseconds lifetime, std::size_t size) {
        if (auto found = places_.find(key); found != places_.end())
            remove(found->second);
        size += 2 * key.size() + sizeof(Entry);
        if (lifetime.count() <= 0 || size > room_)
            return;
        entries_.push_front({key, std::move(answer), event::Clock::now() + lifetime, size});
        places_.emplace(key, entries_.begin());
        used_ += size;
        while (used_ > room_)
            remove(std::prev(entries_.end()));
    }

    std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        std::string key;
        Answer answer;
        event::Clock::time_point until;
        std::size_t size;
    };
    using Entries = std::list<Entry>;

    void remove(typename Entries::iterator entry) {
        used_ -= entry->size;
        places_.erase(entry->key);
        entries_.erase(entry);
    }

    std::size_t room_;
    std::size_t used_ = 0;
    Entries entries_;  // asked for most lately first
    std::unordered_map<std::string, typename Entries::iterator> places_;
};

}  // namespace question
