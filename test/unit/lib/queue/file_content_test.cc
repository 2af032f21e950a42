#include "lib/queue/file_content.h"

#include <sys/mman.h>
#include <unistd.h>

#include "test/support/catch.h"

using queue::FileContent;

namespace {

FileContent content_of(const std::string& octets, std::uint64_t offset, std::uint64_t length) {
    event::Fd file{memfd_create("content", MFD_CLOEXEC)};
    REQUIRE(write(file.get(), octets.data(), octets.size()) == static_cast<ssize_t>(octets.size()));
    return {std::move(file), {offset, length}};
}

}  // namespace

TEST_CASE("a content is read within its bounds only", "[queue]") {
    const FileContent content = content_of("0123456789", 3, 4);
    CHECK(content.size() == 4);
    CHECK(content.read(0, 100) == "3456");
    CHECK(content.read(1, 2) == "45");
    CHECK(content.read(4, 10) == "");
    CHECK(content.read(99, 10) == "");
}

TEST_CASE("a content comes in blocks", "[queue]") {
    std::string octets(200'000, 'x');
    octets.back() = 'y';
    const FileContent content = content_of(octets, 1, octets.size() - 1);
    FileContent::Reader reader{content};
    std::string all;
    for (auto block = reader.next(); !block->empty(); block = reader.next())
        all += *block;
    CHECK(all == octets.substr(1));
    CHECK(reader.position() == all.size());
    reader.restart();
    CHECK(reader.next()->front() == 'x');
}

TEST_CASE("a file that is shorter than its content is a failure, not an end", "[queue]") {
    const FileContent content = content_of("0123", 2, 10);
    CHECK(content.read(0, 2) == "23");
    CHECK_FALSE(content.read(2, 2).has_value());
    FileContent::Reader reader{content};
    CHECK(reader.next() == "23");
    CHECK_FALSE(reader.next().has_value());
}
