// lib/dkim/key_lookups.h - the key records of a message, asked for at once and awaited at its end.
//
// Failure     an answer that never came counts as a temporary failure.
// Lifetime    may go away while questions are open: they are cancelled. Loop and resolver outlive it.
// Trust       at most so many different names as the caller allows; the same name is asked for once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/dns/resolver.h"
#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"

namespace dkim {

class KeyLookups {
  public:
    KeyLookups(event::Loop& loop, dns::Resolver& resolver, std::size_t limit);
    ~KeyLookups();
    KeyLookups(const KeyLookups&) = delete;

    // Begins to ask. None: there were too many names already.
    std::optional<std::size_t> ask(const std::string& name);
    event::Task<void> wait();
    // After wait().
    const dns::Answer<std::string>& answer(std::size_t index) const;

  private:
    struct Question {
        std::string name;
        dns::Answer<std::string> answer;
        event::Context* context = nullptr;  // while it is open
    };
    struct Open {
        explicit Open(event::Loop& loop) : ended(loop) {}
        std::size_t count = 0;
        event::Notice ended;
    };
    static event::Task<void> run(dns::Resolver& resolver, std::shared_ptr<Question> question);

    event::Loop& loop_;
    dns::Resolver& resolver_;
    std::size_t limit_;
    std::vector<std::shared_ptr<Question>> questions_;
    std::shared_ptr<Open> open_;
};

}  // namespace dkim
