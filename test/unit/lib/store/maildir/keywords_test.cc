#include "lib/store/maildir/keywords.h"

#include "test/support/catch.h"

using namespace store;
using Names = std::vector<std::string>;

TEST_CASE("dovecot-keywords is read and written", "[store]") {
    CHECK(parse_keywords("0 work\n1 home\n") == Names{"work", "home"});
    CHECK(parse_keywords("2 c\n0 a\n") == Names{"a", "", "c"});
    CHECK(parse_keywords("26 x\nx y\n-1 z\n3\n4 \n1x b\n") == Names{});
    CHECK(parse_keywords("0 " + std::string(1000, 'k') + "\n").at(0).size() == kMaxKeywordLength);
    CHECK(parse_keywords("") == Names{});
    CHECK(format_keywords({"a", "", "c"}) == "0 a\n2 c\n");
    CHECK(parse_keywords(format_keywords({"a", "", "c"})) == Names{"a", "", "c"});
}

TEST_CASE("new keywords take free letters, all or none", "[store]") {
    Names known = {"Work", "", "home"};
    CHECK(adopt_keywords(known, {"work", "HOME"}) == (keyword_bit(0) | keyword_bit(2)));
    CHECK(known == Names{"Work", "", "home"});
    CHECK(adopt_keywords(known, {"new", "newer"}) == (keyword_bit(1) | keyword_bit(3)));
    CHECK(known == Names{"Work", "new", "home", "newer"});
    CHECK(adopt_keywords(known, {}) == 0u);
    Names before = known;
    CHECK(adopt_keywords(known, {"ok", std::string(kMaxKeywordLength + 1, 'x')}) == std::nullopt);
    CHECK(known == before);
    Names many;
    for (std::size_t i = 0; i < kMaxKeywords; ++i)
        many.push_back("k" + std::to_string(i));
    Names full;
    CHECK(adopt_keywords(full, many));
    CHECK(adopt_keywords(full, {"one-more"}) == std::nullopt);
    CHECK(adopt_keywords(full, {"K25"}) == keyword_bit(25));
}

TEST_CASE("letters that mean something else now", "[store]") {
    CHECK(renamed_keywords({"a", "b"}, {"a", "b"}) == 0);
    CHECK(renamed_keywords({"a", "b"}, {"a", "c"}) == keyword_bit(1));
    CHECK(renamed_keywords({}, {"a", "", "c"}) == (keyword_bit(0) | keyword_bit(2)));
    CHECK(renamed_keywords({"a"}, {}) == keyword_bit(0));
}
