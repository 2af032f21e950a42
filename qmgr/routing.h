// qmgr/routing.h - which delivery service and next hop a recipient has.
//
// The scheduler asks through this interface, so that its tests need no tables; address_routing.h is the real one.
//
// Waiting     a table may have to be waited for: resolve() suspends the message that is being routed, and nothing else.
// Failure     a table that cannot answer: the recipient is deferred.
#pragma once

#include <expected>
#include <string>

#include "lib/event/task.h"
#include "lib/question/asker.h"

namespace qmgr {

struct Route {
    std::string transport;
    std::string nexthop;
    std::string recipient;  // may differ from what was asked
};

class Routing {
  public:
    virtual ~Routing() = default;
    virtual event::Task<std::expected<Route, std::string>> resolve(
        const question::Asker& asker, std::string sender, std::string recipient) = 0;
};

}  // namespace qmgr
