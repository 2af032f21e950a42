#include "lib/store/maildir/subscriptions.h"

#include "test/support/catch.h"

using namespace store;
using Names = std::vector<std::string>;

TEST_CASE("both forms of the file subscriptions", "[store]") {
    CHECK(parse_subscriptions("x.y\nZ\n", '.') == Names{"Z", "x.y"});
    CHECK(parse_subscriptions("V\t2\n\nA\tb\nINBOX\n", '.') == Names{"A.b", "INBOX"});
    CHECK(parse_subscriptions("V\t2\n\nA\tb\n", '/') == Names{"A/b"});
    CHECK(parse_subscriptions("A\r\nA\r\n\r\n", '.') == Names{"A"});
    CHECK(parse_subscriptions("", '.') == Names{});
    CHECK(parse_subscriptions("caf\xC3\xA9\n", '.') == Names{"caf&AOk-"});
    CHECK(format_subscriptions({"A.b", "INBOX"}, '.') == "V\t2\n\nA\tb\nINBOX\n");
    CHECK(parse_subscriptions(format_subscriptions({"A/b", "c"}, '/'), '.') == Names{"A.b", "c"});
}
