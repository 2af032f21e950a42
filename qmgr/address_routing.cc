#include "qmgr/address_routing.h"

#include "lib/config/place.h"
#include "lib/log/log.h"

namespace qmgr {

using namespace std::chrono_literals;

AddressRouting::AddressRouting(const Params& params, const config::MainCf& main_cf) : params_{params}, main_cf_{main_cf} {
    renew();
}

void AddressRouting::renew() {
    resolver_ = std::make_shared<const address::Resolver>(params_, config::own_addresses(main_cf_));
    looked_ = event::Clock::now();
    for (const std::string& problem : resolver_->problems())
        logging::warning("{}", problem);
}

event::Task<std::expected<Route, std::string>> AddressRouting::resolve(
    const question::Asker& asker, std::string sender, std::string recipient) {
    // A table that was rebuilt counts at once, or nearly: asking the file system for each message would cost.
    if (event::Clock::now() - looked_ > 1s) {
        looked_ = event::Clock::now();
        if (resolver_->stale())
            renew();
    }
    const std::shared_ptr<const address::Resolver> resolver = resolver_;
    address::Mailbox from = address::parse_text(sender);
    address::Mailbox to = address::parse_text(recipient);
    const std::expected<address::Route, dict::Failure> found = co_await resolver->resolve(
        asker, std::move(from), std::move(to));
    if (!found)
        co_return std::unexpected(found.error().text);
    Route route;
    route.transport = found->transport;
    route.nexthop = found->nexthop;
    route.recipient = found->recipient.text();
    co_return route;
}

}  // namespace qmgr
