#include "imapd/account/auth_master.h"

#include "test/support/catch.h"

using namespace account;

TEST_CASE("lines of the auth master protocol", "[account]") {
    CHECK(split_auth_line("USER\t1\ta\001tb") == std::vector<std::string>{"USER", "1", "a\tb"});
    auto user = parse_user({"alice", "uid=1000", "gid=1001", "home=/home/alice", "mail=maildir:~/M", "x", ""});
    REQUIRE(user);
    CHECK(user->uid == 1000u);
    CHECK(user->gid == 1001u);
    CHECK(user->mail == "maildir:~/M");
    CHECK_FALSE(parse_user({"alice", "uid=-1"}));
    CHECK_FALSE(parse_user({}));
}
