#include "imapd/account/script_places.h"

#include "imapd/account/mail_location.h"

namespace account {

std::expected<Places, std::string> places_of(const ScriptParams& params, const Owner& owner) {
    Places places;
    struct Wanted {
        const config::Param<std::string>& param;
        std::string& into;
    };
    for (const Wanted& wanted : {Wanted{params.directory, places.directory}, Wanted{params.active, places.active},
             Wanted{params.default_script, places.default_script}}) {
        if (wanted.param().empty())
            continue;
        auto path = user_path(wanted.param.name(), wanted.param(), owner.name, owner.home);
        if (!path)
            return std::unexpected(path.error());
        wanted.into = std::move(*path);
    }
    return places;
}

}  // namespace account
