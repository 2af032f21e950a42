// master/tools/postconf/main_listing.h - postconf about main.cf.
#pragma once

#include <string>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"
#include "master/tools/all_params/all_params.h"
#include "master/tools/postconf/layout.h"

namespace postconf {

struct MainRequest {
    enum class Which { actual, defaults, explicit_only } which = Which::actual;
    bool expand = false;  // -x
    Layout layout;
    std::vector<std::string> names;  // empty: all
};

// Prints parameters; warns about names that nobody knows. The status for exit().
int list_main(config::MainCf& cf, const config::MasterCf& master_cf, const all_params::Declarations& declared,
    const MainRequest& request);

// Settings that nothing reads, each with the nearest name that something does.
void warn_about_unused(
    const config::MainCf& cf, const config::MasterCf& master_cf, const all_params::Declarations& declared);

}  // namespace postconf
