#include "lib/store/maildir/name.h"

#include <set>

#include "test/support/catch.h"

using namespace store;

TEST_CASE("file names tell flags, sizes and UID", "[store]") {
    struct Case {
        const char* name;
        const char* base;
        Flags flags;
        std::optional<std::uint64_t> size, virtual_size;
        std::optional<std::uint32_t> uid;
    };
    const Case cases[] = {
        {"1.M2P3.host,S=10,W=12,U=7:2,FSa", "1.M2P3.host,S=10,W=12,U=7", kFlagged | kSeen | keyword_bit(0), 10, 12, 7},
        {"1.host", "1.host", 0, {}, {}, {}},
        {"1.host:2,", "1.host", 0, {}, {}, {}},
        {"1.host:2,DFPRST", "1.host", kDraft | kFlagged | kPassed | kAnswered | kSeen | kDeleted, {}, {}, {}},
        {"1.host:2,z!Z9", "1.host", keyword_bit(25), {}, {}, {}},
        {"1.host:1,S", "1.host", 0, {}, {}, {}},  // experimental info: no flags
        {"x,S=a,U=99999999999", "x,S=a,U=99999999999", 0, {}, {}, {}},
        {"x,S=5000000000,W=", "x,S=5000000000,W=", 0, 5000000000, {}, {}},
        {"x,U=1,U=2", "x,U=1,U=2", 0, {}, {}, 2},
        {"", "", 0, {}, {}, {}},
        {":2,S", "", kSeen, {}, {}, {}},
    };
    for (const Case& c : cases) {
        CAPTURE(c.name);
        MaildirName name = parse_maildir_name(c.name);
        CHECK(name.base == c.base);
        CHECK(name.flags == c.flags);
        CHECK(name.size == c.size);
        CHECK(name.virtual_size == c.virtual_size);
        CHECK(name.uid == c.uid);
    }
}

TEST_CASE("flags become letters in their order", "[store]") {
    CHECK(maildir_info(0) == ":2,");
    CHECK(maildir_info(kSeen | kFlagged | keyword_bit(25)) == ":2,FSz");
    for (Flags flags : {kDraft | kDeleted, kPassed | keyword_bit(3) | keyword_bit(0), kAnswered})
        CHECK(parse_maildir_name("x" + maildir_info(flags)).flags == flags);
}

TEST_CASE("names that can be messages", "[store]") {
    for (const char* yes : {"1.host", "a b", "x:2,S", "\xC3\xA4"})
        CHECK(is_message_name(yes));
    for (const char* no : {"", ".x", "..", "a\nb", "a\tb"})
        CHECK_FALSE(is_message_name(no));
}

TEST_CASE("names that we make are unique and fit what we read", "[store]") {
    std::set<std::string> names;
    for (int i = 0; i < 1000; ++i)
        names.insert(unique_maildir_name());
    CHECK(names.size() == 1000);
    for (const std::string& name : names) {
        CHECK(is_message_name(name));
        CHECK(maildir_base(name) == name);
        CHECK(name.find(',') == std::string::npos);
        CHECK(name.find('/') == std::string::npos);
    }
}
