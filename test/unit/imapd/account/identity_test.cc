// imapd/account/identity.h: whose rights the user database may give.
#include "imapd/account/identity.h"

#include <unistd.h>

#include "test/support/catch.h"

TEST_CASE("rights that a user database gives", "[account]") {
    if (::geteuid() != 0) {
        CHECK(account::refused_identity(::geteuid(), std::nullopt, 500).empty());
        CHECK(account::refused_identity(std::nullopt, std::nullopt, 500).empty());
        CHECK_FALSE(account::refused_identity(::geteuid() + 1, std::nullopt, 1).empty());
        return;
    }
    CHECK(account::refused_identity(1000, 1000, 500).empty());
    CHECK_FALSE(account::refused_identity(0, 1000, 1).empty());
    CHECK_FALSE(account::refused_identity(1000, 0, 1).empty());
    CHECK_FALSE(account::refused_identity(1000, std::nullopt, 1).empty());
    CHECK_FALSE(account::refused_identity(std::nullopt, 1000, 1).empty());
    CHECK(account::refused_identity(500, 1000, 500).empty());
    CHECK(account::refused_identity(499, 1000, 500) == "user id 499 is below first_valid_uid");
}
