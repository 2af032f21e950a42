#include "imapd/account/mail_location.h"

#include "test/support/catch.h"

using namespace account;

TEST_CASE("where a user's mail is", "[account]") {
    CHECK(*mail_root("maildir:~/Maildir", "alice@example.test", "/home/alice") == "/home/alice/Maildir");
    CHECK(*mail_root("maildir:/var/mail/%d/%n:LAYOUT=fs", "alice@example.test", "") == "/var/mail/example.test/alice");
    CHECK(*mail_root("/m/%u", "alice", "") == "/m/alice");
    for (const char* user : {"..", "a/b", "."})
        CHECK_FALSE(mail_root("maildir:/m/%u", user, "/h"));
    CHECK_FALSE(mail_root("mbox:~/x", "alice", "/h"));
    CHECK_FALSE(mail_root("maildir:~/x", "alice", ""));
    CHECK_FALSE(mail_root("maildir:x", "alice", "/h"));
    CHECK_FALSE(mail_root("maildir:/%z", "alice", "/h"));
}
