// qmgr/address_routing.h - routing by main.cf and its tables.
#pragma once

#include <memory>

#include "lib/address/resolver.h"
#include "lib/config/main_cf.h"
#include "lib/event/loop.h"
#include "qmgr/params.h"
#include "qmgr/routing.h"

namespace qmgr {

class AddressRouting final : public Routing {
  public:
    AddressRouting(const Params& params, const config::MainCf& main_cf);

    event::Task<std::expected<Route, std::string>> resolve(
        const question::Asker& asker, std::string sender, std::string recipient) override;

  private:
    void renew();

    const Params& params_;
    const config::MainCf& main_cf_;
    std::shared_ptr<const address::Resolver> resolver_;  // shared with those who still wait in it
    event::Clock::time_point looked_{};
};

}  // namespace qmgr
