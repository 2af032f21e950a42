#include "lib/store/maildir/directory_name.h"

#include "lib/store/thrown_failure.h"
#include "test/support/catch.h"

using namespace store;

TEST_CASE("mailbox names and directories, one to one", "[store]") {
    struct Case {
        std::string name;
        char separator;
        std::string directory;
    };
    const Case cases[] = {
        {"INBOX", '.', "."},
        {"A", '.', ".A"},
        {"A.b", '.', ".A.b"},
        {"A/b", '/', ".A.b"},
        {"INBOX.x", '.', ".INBOX.x"},
        {"p&AOQA5A-", '.', ".p&AOQA5A-"},
        {"cur", '.', ".cur"},
        {"a b*%", '.', ".a b*%"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(directory_of(c.name, c.separator) == c.directory);
        CHECK(name_of(c.directory, c.separator) == c.name);
    }
    CHECK(directory_of("inbox", '.') == ".");
    CHECK(directory_of("inBox.x", '.') == ".INBOX.x");
}

TEST_CASE("E9, G18: names that lead elsewhere, or are not legal", "[store]") {
    for (const std::string& bad :
        {std::string("../x"), std::string("a/../b"), std::string("/etc"), std::string("a..b"), std::string("a."),
            std::string(".a"), std::string(""), std::string("a\nb"), std::string("a\0b", 3), std::string("&AAo-"),
            std::string("&AGEAYg-"), std::string("\xC3\xA4"), std::string(kMaxDirectoryName + 1, 'x')}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(directory_of(bad, '.'), ThrownFailure);
    }
    CHECK_THROWS_AS(directory_of("a.b", '/'), ThrownFailure);  // it would be the same directory as a/b
    CHECK_THROWS_AS(directory_of("../b", '/'), ThrownFailure);
}
