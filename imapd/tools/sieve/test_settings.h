// imapd/tools/sieve/test_settings.h - the settings that test scripts change by test_config_set, as Settings.
//
// Names are those that the test suite uses. Settings of other products that have no counterpart here change nothing.
#pragma once

#include <map>
#include <set>
#include <string>

#include "lib/sieve/settings.h"

namespace sievec {

using TestConfig = std::map<std::string, std::string>;

sieve::Settings settings_of(const TestConfig& config);

// External lists that the settings name, by full name.
std::set<std::string> lists_of(const TestConfig& config);

}  // namespace sievec
