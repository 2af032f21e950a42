#include "imapd/account/mail_location.h"

#include "test/support/catch.h"

using namespace account;

TEST_CASE("where a user's mail is", "[account]") {
    CHECK(*mail_of("maildir:~/Maildir", "alice@example.test", "/home/alice") == "maildir:/home/alice/Maildir");
    CHECK(*mail_of("maildir:/var/mail/%d/%n:LAYOUT=fs", "alice@example.test", "") == "maildir:/var/mail/example.test/alice");
    CHECK(*mail_of("/m/%u", "alice", "") == "maildir:/m/alice");
    CHECK(*mail_of("~/Maildir", "alice", "/h") == "maildir:/h/Maildir");
    CHECK(*mail_of("%h/Maildir", "alice", "/h") == "maildir:/h/Maildir");
    for (const char* user : {"..", "a/b", "."})
        CHECK_FALSE(mail_of("maildir:/m/%u", user, "/h"));
    CHECK_FALSE(mail_of("mbox:~/x", "alice", "/h"));
    CHECK_FALSE(mail_of("maildir:~/x", "alice", ""));
    CHECK_FALSE(mail_of("maildir:x", "alice", "/h"));
    CHECK_FALSE(mail_of("maildir:/%z", "alice", "/h"));
}
