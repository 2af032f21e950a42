#include "smtpd/services.h"

#include "lib/config/place.h"
#include "lib/log/log.h"

namespace smtpd {

namespace {
constexpr std::size_t kMostIdle = 100;  // connections to cleanup
}

Services::Services(const Params& the_params, config::MainCf& main_cf, event::Loop& the_loop)
    : params(the_params),
      loop(the_loop),
      resolver(params, config::own_addresses(main_cf)),
      aliases(params, resolver),
      recipients(params, resolver, aliases),
      mynetworks(dict::MatchList::open("mynetworks", params.mynetworks(), dict::ListKind::addresses)),
      restrictions(params, main_cf),
      gate(main_cf, the_loop, the_params.myhostname(), the_params.soft_bounce()),
      peer_names(the_loop),
      cleanup(ipc::open_cleanup_pool(the_loop, "public/cleanup", std::chrono::seconds(10), kMostIdle)) {
    if (params.sasl_auth_enable())
        auth = std::make_unique<sasl::AuthClient>(loop, params.sasl_path());
}

std::vector<std::string> Services::problems() const {
    std::vector<std::string> all = resolver.problems();
    for (const auto& part : {recipients.problems(), mynetworks.problems(), restrictions.problems(), gate.problems()})
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

std::expected<void, std::string> Services::open_dns(config::MainCf& main_cf) {
    std::expected<void, std::string> opened = gate.open_dns(
        main_cf, restrictions.needs_dns() || restrictions.may_need_dns());
    // An access table might name a restriction that asks the DNS; most do not.
    if (!opened && !restrictions.needs_dns() && !gate.wants_dns()) {
        logging::warning("{}; a restriction that an access table names cannot ask the DNS", opened.error());
        return {};
    }
    return opened;
}

bool Services::stale() const {
    return resolver.stale() || recipients.stale() || mynetworks.stale() || restrictions.stale() || gate.stale();
}

}  // namespace smtpd
