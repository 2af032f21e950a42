// master/tools/postconf/layout.h - how postconf(1) lays out what it prints.
#pragma once

#include <string>
#include <string_view>

#include "lib/config/master_cf.h"

namespace postconf {

struct Layout {
    bool names = true;   // -h turns it off
    bool values = true;  // -H turns it off
    bool fold = false;   // -f: lines end near column 80
};

// "name = value", blank space in the value made single blanks.
std::string format_setting(std::string_view name, std::string_view value, const Layout& layout);

// A row of master.cf, its columns aligned; with fold every -o stands on a line of its own.
std::string format_service(const config::Service& service, bool fold);
// Command and arguments alone, as in `postconf -F`.
std::string format_command(const config::Service& service);

}  // namespace postconf
