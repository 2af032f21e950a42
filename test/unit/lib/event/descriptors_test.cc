// Descriptors over a socket pair: what comes along, what is too much, what is left open.
#include "lib/event/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "test/support/catch.h"

using event::Fd;

namespace {

struct Pair {
    Fd left, right;
    Pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        left.reset(ends[0]);
        right.reset(ends[1]);
    }
};

bool same_file(int a, int b) {
    struct stat one {
    }, other{};
    return ::fstat(a, &one) == 0 && ::fstat(b, &other) == 0 && one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

void send_many(int socket, std::size_t count) {
    std::vector<int> same(count, 0);
    char octet = 'x';
    iovec part{&octet, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 64)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    std::memcpy(CMSG_DATA(header), same.data(), sizeof(int) * count);
    REQUIRE(::sendmsg(socket, &message, 0) == 1);
}

}  // namespace

TEST_CASE("a descriptor travels with octets", "[event]") {
    Pair pair;
    Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    REQUIRE(event::send_with_descriptor(pair.left.get(), "abc", file.get()) == 3);
    REQUIRE(::send(pair.left.get(), "d", 1, 0) == 1);
    char into[16];
    std::vector<Fd> received;
    const ssize_t count = event::receive_with_descriptors(pair.right.get(), into, sizeof into, received);
    CHECK(std::string_view(into, static_cast<std::size_t>(count)).starts_with("abc"));
    REQUIRE(received.size() == 1);
    CHECK(same_file(received[0].get(), file.get()));
    CHECK((::fcntl(received[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("nothing there, and the end", "[event]") {
    Pair pair;
    char into[16];
    std::vector<Fd> received;
    CHECK(event::receive_with_descriptors(pair.right.get(), into, sizeof into, received) == -1);
    CHECK(errno == EAGAIN);
    pair.left.reset();
    CHECK(event::receive_with_descriptors(pair.right.get(), into, sizeof into, received) == 0);
    CHECK(event::send_with_descriptor(pair.right.get(), "x", 0) == -1);  // and no SIGPIPE
    CHECK(errno == EPIPE);
}

TEST_CASE("more descriptors than anybody needs", "[event]") {
    Pair pair;
    char into[16];
    std::vector<Fd> received;
    send_many(pair.left.get(), event::kMostDescriptors);
    CHECK(event::receive_with_descriptors(pair.right.get(), into, sizeof into, received) == 1);
    CHECK(received.size() == event::kMostDescriptors);
    const int next = ::dup(0);
    ::close(next);
    send_many(pair.left.get(), event::kMostDescriptors + 1);
    CHECK(event::receive_with_descriptors(pair.right.get(), into, sizeof into, received) == -1);
    CHECK(errno == EPROTO);
    CHECK(received.size() == event::kMostDescriptors);
    // What came of the second lot was closed again.
    const int now = ::dup(0);
    ::close(now);
    CHECK(now == next);
}
