// test/unit/imapd/tools/mailadm_test.cc - edits of the passwd-file and of the mailbox map.
#include "imapd/tools/mailbox_map.h"
#include "imapd/tools/user_file.h"

#include <sys/stat.h>

#include "lib/config/logical_lines.h"
#include "lib/dict/table.h"
#include "lib/question/alone.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using mailadm::UserFile;

TEST_CASE("one line of the passwd-file changes", "[mailadm]") {
    test::TemporaryFolder folder;
    std::string path = folder.write("users", "# mine\nalice:{PLAIN}a:1:2::/home/alice::nologin x:y\n\nbob\n");
    ::chmod(path.c_str(), 0640);
    {
        auto file = UserFile::open(path, false);
        REQUIRE(file);
        CHECK(file->find("alice") != nullptr);
        CHECK(file->set_password("alice", "{PLAIN}new"));
        CHECK(file->set_password("bob", "{PLAIN}b"));
        CHECK_FALSE(file->set_password("carol", "x"));
        auth::UserEntry carol;
        carol.name = "carol";
        carol.password = "{PLAIN}c";
        file->add(carol);
        REQUIRE(file->save());
    }
    CHECK(*config::read_text_file(path) ==
          "# mine\nalice:{PLAIN}new:1:2::/home/alice::nologin x:y\n\nbob:{PLAIN}b\ncarol:{PLAIN}c::::::\n");
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);
    {
        auto file = UserFile::open(path, false);
        CHECK(file->remove("alice"));
        CHECK_FALSE(file->remove("alice"));
        REQUIRE(file->save());
    }
    CHECK(*config::read_text_file(path) == "# mine\n\nbob:{PLAIN}b\ncarol:{PLAIN}c::::::\n");
}

TEST_CASE("a missing passwd-file is made only to add to it", "[mailadm]") {
    test::TemporaryFolder folder;
    CHECK_FALSE(UserFile::open(folder.path("users"), false));
    CHECK(UserFile::open(folder.path("users"), true));
}

TEST_CASE("the mailbox map follows", "[mailadm]") {
    test::TemporaryFolder folder;
    std::string path = folder.write("map", "# list\nalice@x.test alice/\n  more\nbob@x.test b/\n");
    REQUIRE(mailadm::add_to_map(path, "carol@x.test"));
    REQUIRE(mailadm::remove_from_map(path, "Alice@x.test"));
    CHECK(*config::read_text_file(path) == "# list\nbob@x.test b/\ncarol@x.test\tcarol@x.test/\n");
    auto table = dict::Table::open("lmdb:" + path);
    question::Alone alone;
    CHECK(alone.wait((*table)->lookup(alone.asker(), "carol@x.test")).value() == "carol@x.test/");
    CHECK(alone.wait((*table)->lookup(alone.asker(), "alice@x.test")).value() == std::nullopt);
    CHECK(mailadm::add_to_map("", "x"));
}
