#include "lib/store/maildir/small_file.h"

#include <sys/stat.h>

#include "lib/store/thrown_failure.h"
#include "test/unit/lib/store/maildir/temporary_maildir.h"

using namespace store;
using store_test::TemporaryMaildir;
namespace fs = std::filesystem;

TEST_CASE("small files are replaced as a whole", "[store]") {
    TemporaryMaildir f;
    int directory = f.maildir->self();
    CHECK(read_small_file(directory, "x", "test").empty());
    replace_small_file(directory, "x", "one", "test");
    CHECK(read_small_file(directory, "x", "test") == "one");
    std::string large(1 << 20, 'l');
    replace_small_file(directory, "x", large, "test");
    CHECK(read_small_file(directory, "x", "test") == large);
    CHECK(f.names("") == std::vector<std::string>{"cur", "new", "tmp", "x"});
}

TEST_CASE("no link is followed, neither in reading nor in writing", "[store]") {
    TemporaryMaildir f;
    f.put("target", "t");
    fs::create_symlink(f.path("target"), f.path("x"));
    fs::create_symlink(f.path("target"), f.path("y.new." + std::to_string(getpid())));
    CHECK_THROWS_AS(read_small_file(f.maildir->self(), "x", "test"), ThrownFailure);
    replace_small_file(f.maildir->self(), "x", "new", "test");
    replace_small_file(f.maildir->self(), "y", "new", "test");
    CHECK(f.text("target") == "t");
    CHECK(f.text("x") == "new");
    REQUIRE(mkfifo(f.path("fifo").c_str(), 0600) == 0);
    CHECK_THROWS_AS(read_small_file(f.maildir->self(), "fifo", "test"), ThrownFailure);
    // A directory stands where the file should be.
    fs::create_directory(f.path("d"));
    CHECK_THROWS_AS(replace_small_file(f.maildir->self(), "d", "new", "test"), ThrownFailure);
    CHECK_FALSE(fs::exists(f.path("d.new." + std::to_string(getpid()))));
}
