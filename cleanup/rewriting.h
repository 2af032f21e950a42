// cleanup/rewriting.h - what the tables of main.cf make of the addresses of a message.
//
// cleanup asks through this interface, so that its tests need no tables; address_rewriting.h is the real one.
//
// Waiting     expand() and is_outside() may have to wait for a table: they suspend the message that asks, and nothing else.
// Failure     a table that cannot answer gives a Failure: the message is refused for now, never changed by guess.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lib/event/task.h"
#include "lib/question/asker.h"

namespace cleanup {

class Rewriting {
  public:
    virtual ~Rewriting() = default;

    // user -> user@$myorigin and the like.
    virtual std::string complete(const std::string& address) = 0;

    // The recipients that one recipient stands for, itself where nothing is mapped. The error is the reason for
    // the log and the client.
    virtual event::Task<std::expected<std::vector<std::string>, std::string>> expand(
        const question::Asker& asker, std::string recipient) = 0;

    // Whether mail to this address leaves us: its domain is in none of our classes.
    virtual event::Task<std::expected<bool, std::string>> is_outside(const question::Asker& asker, std::string address) = 0;
};

}  // namespace cleanup
