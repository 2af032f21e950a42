#include "imapd/login/relay.h"

#include <vector>

#include "lib/event/scope.h"

namespace login {
namespace {

event::Task<void> copy(event::Stream& from, event::Stream& to) {
    for (;;) {
        std::string_view octets = co_await from.read_some();
        if (octets.empty())
            break;
        to.write(octets);
        from.consume(octets.size());
        to.push();
        co_await to.drain();
    }
    co_await to.flush();
}

}  // namespace

event::Task<bool> relay(event::Stream& client, event::Stream& session, std::chrono::seconds timeout) {
    client.set_deadline(std::nullopt);
    client.set_timeout(timeout);
    session.set_timeout(timeout);
    std::vector<event::Task<void>> directions;
    directions.push_back(copy(client, session));
    directions.push_back(copy(session, client));
    event::Task<std::size_t> race = event::first_of(client.loop(), std::move(directions));
    std::size_t ended = co_await std::move(race);
    co_return ended == 1;
}

}  // namespace login
