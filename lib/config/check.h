// lib/config/check.h - names in main.cf and master.cf that nobody reads.
//
// A name is known if a program declares it, if Postfix has it, if it is <service>_<suffix> for a service of
// master.cf, or if a known value mentions it (user-defined parameters, restriction classes).
//
// Failure     findings are Problems; none of them is unsafe by itself.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"

namespace config {

using NameSet = std::set<std::string, std::less<>>;

struct NameCheck {
    Problems unknown;    // with the nearest known name, if one is near
    Problems no_effect;  // Postfix knows it, no program here reads it
};

NameCheck check_names(const MainCf& main_cf, const MasterCf& master_cf, const NameSet& declared);

// The known name that is nearest to a mistyped one; empty when none is near enough to be meant.
std::string nearest_name(std::string_view name, const NameSet& declared);

}  // namespace config
