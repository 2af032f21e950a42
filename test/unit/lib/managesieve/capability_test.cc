#include "lib/managesieve/capability.h"

#include <algorithm>

#include "lib/sieve/script.h"
#include "test/support/catch.h"

TEST_CASE("before login a client is told just what the compiler knows", "[managesieve]") {
    CHECK(std::ranges::equal(managesieve::kSieveExtensions, sieve::capabilities()));
    CHECK(std::ranges::equal(managesieve::kNotifyMethods, sieve::notify_methods()));
}
