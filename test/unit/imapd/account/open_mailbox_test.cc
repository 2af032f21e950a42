#include "imapd/account/open_mailbox.h"

#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using account::IfMissing;
using account::open_mailbox;

TEST_CASE("a mailbox that a rule files into is made where the rule says so", "[account]") {
    test::TemporaryFolder folder;
    auto opened = store::open_account({folder.path() + "/Maildir", '.'});
    REQUIRE(opened);
    store::Account& mail = **opened;

    auto missing = open_mailbox(mail, "Lists", IfMissing::fail);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().there_is_none);

    auto made = open_mailbox(mail, "Lists", IfMissing::make);
    REQUIRE(made);
    CHECK((*made)->name() == "Lists");
    CHECK(*mail.subscriptions() == std::vector<std::string>{"Lists"});
    CHECK(open_mailbox(mail, "Lists", IfMissing::fail));

    auto no_name = open_mailbox(mail, "../etc", IfMissing::make);
    REQUIRE_FALSE(no_name);
    CHECK(no_name.error().there_is_none);
}
