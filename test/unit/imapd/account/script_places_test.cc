#include "imapd/account/script_places.h"

#include "test/support/catch.h"

using namespace account;

TEST_CASE("a user's scripts are below the home, and nowhere without one", "[account]") {
    ScriptParams params;
    auto places = places_of(params, {"alice@example.test", "/home/alice"});
    REQUIRE(places);
    CHECK(places->directory == "/home/alice/sieve");
    CHECK(places->active == "/home/alice/.dovecot.sieve");
    CHECK(places->default_script.empty());
    auto none = places_of(params, {"alice@example.test", ""});
    REQUIRE_FALSE(none);
    CHECK(none.error() == "sieve_directory \"~/sieve\": the user has no home directory");
}
