#include "cleanup/address_rewriting.h"

#include "lib/config/place.h"
#include "lib/log/log.h"

namespace cleanup {

using namespace std::chrono_literals;

AddressRewriting::AddressRewriting(const Params& params, const config::MainCf& main_cf)
    : params_{params}, main_cf_{main_cf} {
    renew();
}

void AddressRewriting::renew() {
    aliases_.reset();
    resolver_ = std::make_unique<address::Resolver>(params_, config::own_addresses(main_cf_));
    aliases_ = std::make_unique<address::VirtualAliases>(params_, *resolver_);
    looked_ = event::Clock::now();
    for (const std::string& problem : resolver_->problems())
        logging::warning("{}", problem);
}

std::string AddressRewriting::complete(const std::string& address) {
    return resolver_->rewrite(address::parse_text(address)).text();
}

event::Task<std::expected<std::vector<std::string>, std::string>> AddressRewriting::expand(std::string recipient) {
    if (event::Clock::now() - looked_ > 1s) {
        looked_ = event::Clock::now();
        if (resolver_->stale() || aliases_->maps().stale())
            renew();
    }
    const auto expanded = aliases_->expand(address::parse_text(recipient));
    if (!expanded)
        co_return std::unexpected(expanded.error().text);
    std::vector<std::string> targets;
    for (const address::Mailbox& mailbox : *expanded)
        targets.push_back(mailbox.text());
    co_return targets;
}

std::expected<bool, std::string> AddressRewriting::is_outside(const std::string& address) {
    const address::Mailbox mailbox = resolver_->rewrite(address::parse_text(address));
    if (mailbox.domain.empty())
        return false;
    const address::Classes::Found found = resolver_->classes().find(mailbox.domain);
    if (!found)
        return std::unexpected(found.error().text);
    return *found == address::Class::other;
}

}  // namespace cleanup
