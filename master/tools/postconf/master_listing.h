// master/tools/postconf/master_listing.h - postconf about master.cf: services (-M), fields (-F), -o parameters (-P).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/config/master_cf.h"
#include "master/tools/postconf/layout.h"

namespace postconf {

// "name/type", "name", "*/inet"; empty: every service. Warns about a pattern that fits nothing.
int list_services(const config::MasterCf& cf, const std::vector<std::string>& patterns, bool fold);
int list_fields(const config::MasterCf& cf, const std::vector<std::string>& patterns, const Layout& layout);
int list_service_parameters(const config::MasterCf& cf, const std::vector<std::string>& patterns, const Layout& layout);

// Splits "a/b/c" and compares each part, "*" and a missing part fitting anything.
bool fits(const config::Service& service, std::string_view pattern);
// The part of the pattern behind service and type; "*" when there is none.
std::string third_part(std::string_view pattern);

extern const std::vector<std::string_view> kFieldNames;  // service type private ... command

}  // namespace postconf
