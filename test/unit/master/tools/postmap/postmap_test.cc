// test/unit/master/tools/postmap/postmap_test.cc - making and changing tables.
#include <sys/stat.h>

#include "lib/dict/table.h"
#include "lib/question/alone.h"
#include "master/tools/postmap/map_build.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

namespace {

std::string look_up(const std::string& path, std::string_view key) {
    auto table = dict::Table::open("hash:" + path);
    REQUIRE(table);
    question::Alone alone;
    return alone.wait((*table)->lookup(alone.asker(), key)).value().value_or("-");
}

}  // namespace

TEST_CASE("a table is made from its text", "[postmap]") {
    test::TemporaryFolder folder;
    std::string path = folder.write("map", "# c\na 1\nA 2\nLong value\n  goes on\n");
    ::chmod(path.c_str(), 0640);
    postmap::build("hash:" + path, {});
    CHECK(look_up(path, "a") == "1");
    CHECK(look_up(path, "LONG") == "value  goes on");
    struct stat status {};
    REQUIRE(::stat((path + ".lmdb").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);
    postmap::build("hash:" + path, {.inherit_read = false});
    REQUIRE(::stat((path + ".lmdb").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a table is changed by single entries", "[postmap]") {
    test::TemporaryFolder folder;
    std::string path = folder.path("map");
    postmap::add_entries("lmdb:" + path, "a 1\nb 2\n", {});
    postmap::add_entries("lmdb:" + path, "a 9\nc 3\n", {.duplicates = postmap::Duplicates::ignore});
    CHECK(look_up(path, "a") == "1");
    postmap::add_entries("lmdb:" + path, "a 9\n", {.duplicates = postmap::Duplicates::replace});
    CHECK(look_up(path, "a") == "9");
    CHECK(postmap::delete_keys("lmdb:" + path, {"a", "x"}, {}));
    CHECK_FALSE(postmap::delete_keys("lmdb:" + path, {"a", "x"}, {}));
    CHECK(look_up(path, "a") == "-");
    CHECK(look_up(path, "c") == "3");
}

TEST_CASE("aliases, files as values, and keys with a NUL", "[postmap]") {
    test::TemporaryFolder folder;
    std::string aliases = folder.write("aliases", "Root: alice,\n bob\n");
    postmap::build("hash:" + aliases, {.aliases = true});
    CHECK(look_up(aliases, "root") == "alice, bob");
    std::string content = folder.write("content", "hello");
    std::string files = folder.write("files", "key " + content + "\n");
    postmap::build("hash:" + files, {.values_are_files = true});
    CHECK(look_up(files, "key") == "aGVsbG8=");
    std::string nul = folder.write("nul", "key value\n");
    postmap::build("hash:" + nul, {.add_nul = true});
    CHECK(look_up(nul, "key") == "value");
}

TEST_CASE("an empty table is a table", "[postmap]") {
    test::TemporaryFolder folder;
    std::string path = folder.write("map", "");
    postmap::build("hash:" + path, {});
    CHECK(look_up(path, "a") == "-");
}
