// test/unit/lib/address/mailbox_list_test.cc - lists of mailboxes in tables and on command lines (RFC 5322, 3.4 and 4.4).
#include "lib/address/mailbox_list.h"

#include "test/support/catch.h"

namespace {

struct Row {
    const char* list;
    std::vector<std::string> want;
};

const Row kRows[] = {
    {"alice@example.test", {"alice@example.test"}},
    {"Alice <alice@example.test>, \"Bob, Jr.\" <bob@example.test>", {"alice@example.test", "bob@example.test"}},
    {"alice, bob", {"alice", "bob"}},
    {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", {"c@a.test", "joe@where.test", "jdoe@one.test"}},
    {"Undisclosed recipients:;", {}},
    {"(comment) alice@example.test (another (nested))", {"alice@example.test"}},
    {"<@a.test,@b.test:alice@example.test>", {"alice@example.test"}},
    {"@a.test,@b.test:alice@example.test", {"alice@example.test"}},
    {"\"a b\"@example.test", {"a b@example.test"}},
    {"john . doe @ example . test", {"john.doe@example.test"}},
    {"alice@[192.0.2.1]", {"alice@[192.0.2.1]"}},
    {"a@b.test; c@d.test", {"a@b.test", "c@d.test"}},
    {" , ,, ", {}},
    {"<>", {}},
    {"two words", {}},
    {"Who? <one@y.test>", {"one@y.test"}},
    {"unclosed <a@b.test", {"a@b.test"}},
    {"\"unclosed", {"unclosed"}},
    {"backslash at the end\\", {}},
    {"a\\", {"a\\"}},
    {"alice@example.test,\r\n\tbob@example.test", {"alice@example.test", "bob@example.test"}},
};

}  // namespace

TEST_CASE("lists of mailboxes", "[address][rfc5322:3.4]") {
    for (const Row& row : kRows) {
        CAPTURE(row.list);
        std::vector<std::string> found;
        for (const address::Mailbox& mailbox : address::parse_mailbox_list(row.list))
            found.push_back(mailbox.text());
        CHECK(found == row.want);
    }
}
