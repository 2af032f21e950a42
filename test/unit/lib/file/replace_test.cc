#include "lib/file/replace.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/file/write.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

namespace fs = std::filesystem;

namespace {

std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

mode_t mode_of(const std::string& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
}

std::size_t files_in(const std::string& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// No file may grow beyond this while it lives.
struct SmallFiles {
    explicit SmallFiles(rlim_t most) {
        ::getrlimit(RLIMIT_FSIZE, &before);
        const rlimit now{most, before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
        ::signal(SIGXFSZ, SIG_IGN);
    }
    ~SmallFiles() { ::setrlimit(RLIMIT_FSIZE, &before); }
    rlimit before{};
};

}  // namespace

TEST_CASE("a file that was not there", "[file]") {
    test::TemporaryFolder folder;
    REQUIRE(file::replace_file(folder.path("a"), "content", {.mode = 0640}));
    CHECK(read(folder.path("a")) == "content");
    CHECK(mode_of(folder.path("a")) == 0640);
    CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("rights of the file that is replaced", "[file]") {
    test::TemporaryFolder folder;
    folder.write("a", "old");
    REQUIRE(::chmod(folder.path("a").c_str(), 0604) == 0);
    REQUIRE(file::replace_file(folder.path("a"), "new"));
    CHECK(mode_of(folder.path("a")) == 0604);
    REQUIRE(file::replace_file(folder.path("a"), "newer", {.mode = 0600, .keep_rights = false}));
    CHECK(mode_of(folder.path("a")) == 0600);
    CHECK(read(folder.path("a")) == "newer");
}

TEST_CASE("a failure leaves the old content and nothing else", "[file]") {
    test::TemporaryFolder folder;
    folder.write("a", "old");
    {
        SmallFiles limit(3);
        auto done = file::replace_file(folder.path("a"), "too long for this disk");
        REQUIRE_FALSE(done);
        CHECK(done.error().error == EFBIG);
        CHECK(done.error().text().find(folder.path("a")) != std::string::npos);
    }
    CHECK(read(folder.path("a")) == "old");
    CHECK(files_in(folder.path()) == 1);
    auto nowhere = file::replace_file(folder.path("no/such"), "x");
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().error == ENOENT);
    fs::create_directory(folder.path("directory"));
    auto directory = file::replace_file(folder.path("directory"), "x");
    REQUIRE_FALSE(directory);
    CHECK(files_in(folder.path()) == 2);
}

TEST_CASE("what lies under the name beside it is not followed", "[file]") {
    test::TemporaryFolder folder;
    const std::string victim = folder.write("victim", "mine");
    fs::create_symlink(victim, folder.path("a.new." + std::to_string(::getpid())));
    REQUIRE(file::replace_file(folder.path("a"), "x"));
    CHECK(read(victim) == "mine");
    CHECK(read(folder.path("a")) == "x");
}

TEST_CASE("below an open directory, wherever its path leads now", "[file]") {
    test::TemporaryFolder folder;
    fs::create_directory(folder.path("a"));
    const int directory = ::open(folder.path("a").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    REQUIRE(directory >= 0);
    fs::rename(folder.path("a"), folder.path("b"));
    fs::create_directory(folder.path("a"));
    REQUIRE(file::replace_file_at(directory, "x", "one", {.mode = 0600}));
    REQUIRE(file::replace_file_at(directory, "x", "two"));
    CHECK(read(folder.path("b/x")) == "two");
    CHECK(mode_of(folder.path("b/x")) == 0600);
    CHECK(fs::is_empty(folder.path("a")));
    fs::create_directory(folder.path("b/d"));
    const auto failed = file::replace_file_at(directory, "d", "three");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().what.starts_with("rename d.new."));
    CHECK(std::distance(fs::directory_iterator(folder.path("b")), fs::directory_iterator()) == 2);
    ::close(directory);
}

TEST_CASE("the directory of a path", "[file]") {
    CHECK(file::directory_of("main.cf") == ".");
    CHECK(file::directory_of("/main.cf") == "/");
    CHECK(file::directory_of("/etc/main.cf") == "/etc");
    CHECK_FALSE(file::sync_directory("/nowhere/at/all"));
}
