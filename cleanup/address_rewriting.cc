#include "cleanup/address_rewriting.h"

#include "lib/config/place.h"
#include "lib/log/log.h"

namespace cleanup {

using namespace std::chrono_literals;

AddressRewriting::Tables::Tables(const Params& params, const config::MainCf& main_cf)
    : resolver{params, config::own_addresses(main_cf)}, aliases{params, resolver} {}

AddressRewriting::AddressRewriting(const Params& params, const config::MainCf& main_cf)
    : params_{params}, main_cf_{main_cf} {
    renew();
}

void AddressRewriting::renew() {
    tables_ = std::make_shared<const Tables>(params_, main_cf_);
    looked_ = event::Clock::now();
    for (const std::string& problem : tables_->resolver.problems())
        logging::warning("{}", problem);
}

std::string AddressRewriting::complete(const std::string& address) {
    return tables_->resolver.rewrite(address::parse_text(address)).text();
}

event::Task<std::expected<std::vector<std::string>, std::string>> AddressRewriting::expand(
    const question::Asker& asker, std::string recipient) {
    if (event::Clock::now() - looked_ > 1s) {
        looked_ = event::Clock::now();
        if (tables_->resolver.stale() || tables_->aliases.maps().stale())
            renew();
    }
    const std::shared_ptr<const Tables> tables = tables_;
    address::Mailbox mailbox = address::parse_text(recipient);
    const address::VirtualAliases::Expanded expanded = co_await tables->aliases.expand(asker, std::move(mailbox));
    if (!expanded)
        co_return std::unexpected(expanded.error().text);
    std::vector<std::string> targets;
    for (const address::Mailbox& target : *expanded)
        targets.push_back(target.text());
    co_return targets;
}

event::Task<std::expected<bool, std::string>> AddressRewriting::is_outside(
    const question::Asker& asker, std::string address) {
    const std::shared_ptr<const Tables> tables = tables_;
    const address::Mailbox mailbox = tables->resolver.rewrite(address::parse_text(address));
    if (mailbox.domain.empty())
        co_return false;
    const address::Classes::Found found = co_await tables->resolver.classes().find(asker, mailbox.domain);
    if (!found)
        co_return std::unexpected(found.error().text);
    co_return *found == address::Class::other;
}

}  // namespace cleanup
