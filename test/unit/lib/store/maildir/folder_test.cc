#include "lib/store/maildir/folder.h"

#include <sys/stat.h>

#include "lib/store/thrown_failure.h"
#include "test/unit/lib/store/maildir/temporary_maildir.h"

using namespace store;
using store_test::TemporaryMaildir;
namespace fs = std::filesystem;

TEST_CASE("what is read from a directory are messages only", "[store]") {
    TemporaryMaildir f;
    f.put("cur/a:2,S", "x");
    f.put("cur/b", "x");
    f.put("new/b", "x");  // the same message, seen while it is moved
    f.put("new/c", "x");
    f.put("cur/.hidden", "x");
    f.put("cur/line\nbreak", "x");
    fs::create_directory(f.path("cur/directory:2,"));
    fs::create_symlink("/etc/passwd", f.path("cur/link:2,S"));
    REQUIRE(mkfifo(f.path("new/fifo").c_str(), 0600) == 0);
    Listing listing;
    listing.read(f.maildir->cur(), false, "test");
    listing.read(f.maildir->fresh(), true, "test");
    CHECK(listing.entries().size() == 3);
    REQUIRE(listing.find("a"));
    CHECK(listing.find("a")->name == "a:2,S");
    REQUIRE(listing.find("b"));
    CHECK_FALSE(listing.find("b")->in_new);
    CHECK(listing.find("c")->in_new);
    CHECK_FALSE(listing.find("link"));
    CHECK_FALSE(listing.find("fifo"));
    listing.clear();
    CHECK(listing.entries().empty());
    CHECK_FALSE(listing.find("a"));
}

TEST_CASE("a listing keeps names longer than its blocks have room for", "[store]") {
    TemporaryMaildir f;
    for (int i = 0; i < 600; ++i)
        f.put("cur/" + std::to_string(i) + "." + std::string(200, 'n'), "");
    Listing listing;
    listing.read(f.maildir->cur(), false, "test");
    CHECK(listing.entries().size() == 600);
    CHECK(listing.find("599." + std::string(200, 'n')));
}

TEST_CASE("a folder is opened through no link and known again", "[store]") {
    TemporaryMaildir f;
    CHECK_THROWS_AS(Folder::open(f.root.get(), ".none", "none"), ThrownFailure);
    fs::create_directory(f.path(".a"));
    auto opened = Folder::open(f.root.get(), ".a", "a");  // what is missing in it is made
    CHECK(fs::is_directory(f.path(".a/tmp")));
    CHECK(opened->is_current(f.root.get()));
    fs::rename(f.path(".a"), f.path(".b"));
    CHECK_FALSE(opened->is_current(f.root.get()));
    fs::create_directory(f.path(".a"));
    CHECK_FALSE(opened->is_current(f.root.get()));
    fs::create_directory_symlink(f.path(".b"), f.path(".link"));
    CHECK_THROWS_AS(Folder::open(f.root.get(), ".link", "link"), ThrownFailure);
    fs::create_directory(f.path(".trap"));
    fs::create_directory_symlink("/etc", f.path(".trap/new"));
    CHECK_THROWS_AS(Folder::open(f.root.get(), ".trap", "trap"), ThrownFailure);
}
