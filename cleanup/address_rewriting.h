// cleanup/address_rewriting.h - completion and virtual aliases by main.cf and its tables.
#pragma once

#include <memory>

#include "cleanup/params.h"
#include "cleanup/rewriting.h"
#include "lib/address/resolver.h"
#include "lib/address/virtual_alias.h"
#include "lib/config/main_cf.h"
#include "lib/event/loop.h"

namespace cleanup {

class AddressRewriting final : public Rewriting {
  public:
    AddressRewriting(const Params& params, const config::MainCf& main_cf);

    std::string complete(const std::string& address) override;
    event::Task<std::expected<std::vector<std::string>, std::string>> expand(
        const question::Asker& asker, std::string recipient) override;
    event::Task<std::expected<bool, std::string>> is_outside(const question::Asker& asker, std::string address) override;

  private:
    // The tables of one opening; those who still wait in them keep them.
    struct Tables {
        Tables(const Params& params, const config::MainCf& main_cf);
        address::Resolver resolver;
        address::VirtualAliases aliases;
    };
    void renew();

    const Params& params_;
    const config::MainCf& main_cf_;
    std::shared_ptr<const Tables> tables_;
    event::Clock::time_point looked_{};
};

}  // namespace cleanup
