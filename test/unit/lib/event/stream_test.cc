// Streams: lines, octets, limits, backpressure, TLS, descriptors.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "lib/event/endpoint.h"
#include "lib/event/loop.h"
#include "lib/event/stream.h"
#include "lib/event/tls_context.h"
#include "test/support/catch.h"

using namespace std::chrono_literals;
using event::Fd;
using event::Loop;
using event::Stream;
using event::StreamError;
using event::Task;

namespace {

struct Pair {
    Stream left, right;
};

Pair make_pair(Loop& loop) {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    return {Stream(loop, Fd(ends[0])), Stream(loop, Fd(ends[1]))};
}

Task<void> read_lines(Stream& stream, std::size_t max, std::vector<std::string>& out) {
    try {
        for (;;) {
            std::optional<event::Line> line = co_await stream.read_line(max);
            if (!line) {
                out.push_back("<eof>");
                co_return;
            }
            out.push_back(std::string(line->text) + (line->crlf ? "" : "<lf>"));
        }
    } catch (const StreamError& error) {
        out.push_back("<" + std::string(error.what()) + ">");
    }
}

Task<void> write_slowly(Loop& loop, Stream& stream, std::string text) {
    for (char c : text) {
        stream.write(std::string_view(&c, 1));
        co_await stream.flush();
        co_await event::sleep_for(loop, 0ms);
    }
    stream.close();
}

struct LineCase {
    const char* name;
    std::string sent;
    std::size_t max;
    std::vector<std::string> want;
};

const LineCase kLineCases[] = {
    {"lines and a clean end", "a\r\nbc\r\n", 10, {"a", "bc", "<eof>"}},
    {"a bare LF is told apart", "a\nb\r\n", 10, {"a<lf>", "b", "<eof>"}},
    {"CR within a line stays", "a\rb\r\n", 10, {"a\rb", "<eof>"}},
    {"half a line at the end", "a\r\nb", 10, {"a", "<lost connection in the middle of a line>"}},
    {"a line of just the limit", "12345\r\n", 5, {"12345", "<eof>"}},
    {"a line past the limit", "123456\r\n", 5, {"<line too long>"}},
    {"endless text", std::string(100, 'x'), 5, {"<line too long>"}},
    {"an empty line", "\r\n", 5, {"", "<eof>"}},
};

struct TlsFiles {
    std::string directory;
    TlsFiles() {
        char name[] = "/tmp/malleposte-tls-XXXXXX";
        directory = ::mkdtemp(name);
        std::string command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout " + directory +
                              "/key.pem -out " + directory + "/cert.pem 2>/dev/null";
        REQUIRE(std::system(command.c_str()) == 0);
    }
    ~TlsFiles() { std::filesystem::remove_all(directory); }
    event::TlsContext server(std::vector<std::string> alpn = {}) const {
        event::TlsContext::ServerSettings settings;
        settings.chain_files = {directory + "/key.pem", directory + "/cert.pem"};
        settings.service = "test";
        settings.alpn = std::move(alpn);
        auto context = event::TlsContext::make_server(settings);
        REQUIRE(context.has_value());
        return std::move(*context);
    }
};

}  // namespace

TEST_CASE("lines arrive whole however they are cut", "[event][stream]") {
    for (const LineCase& c : kLineCases) {
        DYNAMIC_SECTION(c.name << ", at once") {
            Loop loop;
            Pair pair = make_pair(loop);
            std::vector<std::string> got;
            pair.left.write(c.sent);
            auto send = [](Stream& s) -> Task<void> {
                co_await s.flush();
                s.close();
            };
            loop.spawn(send(pair.left));
            loop.spawn(read_lines(pair.right, c.max, got));
            loop.run_until_idle();
            CHECK(got == c.want);
        }
        DYNAMIC_SECTION(c.name << ", octet by octet") {
            Loop loop;
            Pair pair = make_pair(loop);
            std::vector<std::string> got;
            loop.spawn(read_lines(pair.right, c.max, got));
            auto guarded = [](Loop& l, Stream& s, std::string text) -> Task<void> {
                try {
                    co_await write_slowly(l, s, std::move(text));
                } catch (const StreamError&) {
                }
            };
            loop.spawn(guarded(loop, pair.left, c.sent));
            loop.run_until_idle();
            CHECK(got == c.want);
        }
    }
}

TEST_CASE("a silent peer ends in a timeout, which trickling does not put off", "[event][stream]") {
    Loop loop;
    Pair pair = make_pair(loop);
    std::vector<std::string> got;
    pair.right.set_timeout(50ms);
    loop.spawn(read_lines(pair.right, 100, got));
    auto trickle = [](Loop& l, Stream& s) -> Task<void> {
        for (int i = 0; i < 20; ++i) {
            s.write("x");
            co_await s.flush();
            co_await event::sleep_for(l, 10ms);
        }
    };
    loop.spawn(trickle(loop, pair.left));
    loop.run_until_idle();
    CHECK(got == std::vector<std::string>{"<timeout>"});
}

TEST_CASE("a reader that is slow holds the writer back", "[event][stream]") {
    Loop loop;
    Pair pair = make_pair(loop);
    std::size_t written = 0, read = 0, most = 0;
    auto produce = [](Stream& s, std::size_t& count, std::size_t& max) -> Task<void> {
        std::string block(10000, 'x');
        for (int i = 0; i < 1000; ++i) {
            s.write(block);
            count += block.size();
            max = std::max(max, s.unsent());
            co_await s.drain();
        }
        co_await s.flush();
        s.close();
    };
    auto consume = [](Loop& l, Stream& s, std::size_t& count) -> Task<void> {
        for (int i = 0;; ++i) {
            std::string_view some = co_await s.read_some();
            if (some.empty())
                co_return;
            count += some.size();
            s.consume(some.size());
            if (i % 50 == 0)
                co_await event::sleep_for(l, 1ms);
        }
    };
    loop.spawn(produce(pair.left, written, most));
    loop.spawn(consume(loop, pair.right, read));
    loop.run_until_idle();
    CHECK(read == 10000000);
    CHECK(most <= Stream::kWriteHighWater + 20000);
}

TEST_CASE("one peer that floods does not keep another waiting", "[event][stream]") {
    Loop loop;
    Pair busy = make_pair(loop), quiet = make_pair(loop);
    std::size_t flooded = 0, when_served = 0;
    bool stop = false;
    auto flood = [](Stream& s, bool& ended) -> Task<void> {
        std::string block(65536, 'x');
        while (!ended) {
            s.write(block);
            co_await s.flush();
        }
        s.close();
    };
    auto swallow = [](Stream& s, std::size_t& count) -> Task<void> {
        for (;;) {
            std::string_view some = co_await s.read_some();
            if (some.empty())
                co_return;
            count += some.size();
            s.consume(some.size());
        }
    };
    auto serve = [](Stream& s, std::size_t& count, std::size_t& out, bool& ended) -> Task<void> {
        std::optional<event::Line> line = co_await s.read_line(10);
        out = count;
        ended = line.has_value();
    };
    loop.spawn(swallow(busy.right, flooded));
    loop.spawn(serve(quiet.right, flooded, when_served, stop));
    loop.spawn(flood(busy.left, stop));
    quiet.left.write("hi\r\n");
    auto send = [](Stream& s) -> Task<void> { co_await s.flush(); };
    loop.spawn(send(quiet.left));
    loop.run_until_idle();
    CHECK(stop);
    CHECK(when_served < 4000000);
}

TEST_CASE("descriptors travel with their octets", "[event][stream]") {
    Loop loop;
    Pair pair = make_pair(loop);
    pair.right.expect_fds();
    std::vector<std::string> got;
    int pipe_ends[2];
    REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
    Fd reading(pipe_ends[0]);
    pair.left.write("before\r\n");
    pair.left.send_fd(Fd(pipe_ends[1]));
    pair.left.write("with\r\n");
    pair.left.write("after\r\n");
    auto send = [](Stream& s) -> Task<void> {
        co_await s.flush();
        s.close();
    };
    loop.spawn(send(pair.left));
    loop.spawn(read_lines(pair.right, 100, got));
    loop.run_until_idle();
    CHECK(got == std::vector<std::string>{"before", "with", "after", "<eof>"});
    Fd received = pair.right.take_fd();
    REQUIRE(received);
    CHECK(::write(received.get(), "ok", 2) == 2);
    char buffer[2];
    CHECK(::read(reading.get(), buffer, 2) == 2);
    CHECK_FALSE(pair.right.take_fd());
}

TEST_CASE("descriptors among many octets, and nothing is left behind", "[event][stream]") {
    Loop loop;
    Pair pair = make_pair(loop);
    pair.right.expect_fds();
    constexpr int kLines = 3000;
    auto send = [](Stream& s, int lines) -> Task<void> {
        for (int i = 0; i < lines; ++i) {
            if (i % 3 == 0)
                s.send_fd(Fd(::dup(0)));
            s.write("line " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 700), 'x') + "\r\n");
            if (i % 7 < 3)
                co_await s.flush();
        }
        co_await s.flush();
    };
    auto receive = [](Stream& s, int lines, int& taken, int& descriptors) -> Task<void> {
        while (taken < lines) {
            std::optional<event::Line> line = co_await s.read_line(2000);
            if (!line)
                break;
            ++taken;
            while (s.take_fd())
                ++descriptors;
        }
    };
    int taken = 0, descriptors = 0;
    pair.right.set_timeout(std::chrono::seconds(20));
    loop.spawn(send(pair.left, kLines));
    loop.spawn(receive(pair.right, kLines, taken, descriptors));
    loop.run_until_idle();
    CHECK(taken == kLines);
    CHECK(descriptors == kLines / 3);
}

TEST_CASE("TLS both ways over the same interface", "[event][stream][tls]") {
    TlsFiles files;
    Loop loop;
    Pair pair = make_pair(loop);
    event::TlsContext server = files.server();
    auto client = event::TlsContext::make_client({});
    REQUIRE(client.has_value());
    std::vector<std::string> got, answers;
    std::string big(300000, 'z');
    auto serve = [](Stream& s, event::TlsContext& context, std::vector<std::string>& out) -> Task<void> {
        co_await s.start_tls_server(context);
        std::optional<event::Line> line = co_await s.read_line(400000);
        out.push_back(std::to_string(line->text.size()));
        s.write("done\r\n");
        co_await s.flush();
        s.close();
    };
    auto ask = [](Stream& s, event::TlsContext& context, std::string text, std::vector<std::string>& out) -> Task<void> {
        co_await s.start_tls_client(context, "localhost");
        s.write(text + "\r\n");
        co_await read_lines(s, 100, out);
    };
    loop.spawn(serve(pair.right, server, got));
    loop.spawn(ask(pair.left, *client, big, answers));
    loop.run_until_idle();
    CHECK(got == std::vector<std::string>{"300000"});
    CHECK(answers == std::vector<std::string>{"done", "<eof>"});
    CHECK(pair.left.tls_info().protocol == "TLSv1.3");
    CHECK(pair.left.tls_verify_error() != "");
}

TEST_CASE("what was sent in clear ahead of the handshake is never read", "[event][stream][tls][B1]") {
    TlsFiles files;
    Loop loop;
    Pair pair = make_pair(loop);
    event::TlsContext server = files.server();
    std::vector<std::string> got;
    auto serve = [](Stream& s, event::TlsContext& context, std::vector<std::string>& out) -> Task<void> {
        std::optional<event::Line> line = co_await s.read_line(100);
        out.emplace_back(line->text);
        bool failed = false;
        try {
            co_await s.start_tls_server(context);
            co_await read_lines(s, 100, out);
        } catch (const StreamError&) {
            failed = true;
        }
        out.push_back(failed ? "<handshake failed>" : "<handshake done>");
    };
    pair.left.write("STARTTLS\r\nRSET\r\nMAIL FROM:<x@example.test>\r\n");
    auto send = [](Stream& s) -> Task<void> {
        co_await s.flush();
        s.close();
    };
    loop.spawn(send(pair.left));
    loop.spawn(serve(pair.right, server, got));
    loop.run_until_idle();
    CHECK(got == std::vector<std::string>{"STARTTLS", "<handshake failed>"});
}

TEST_CASE("connect and accept over TCP", "[event][endpoint]") {
    Loop loop;
    auto endpoint = event::Endpoint::parse("inet:127.0.0.1:25");
    REQUIRE(endpoint.has_value());
    auto addresses = endpoint->resolve();
    REQUIRE(addresses.has_value());
    event::SocketAddress any = addresses->front();
    reinterpret_cast<sockaddr_in&>(any.storage).sin_port = 0;
    auto listening = event::listen_at(any);
    REQUIRE(listening.has_value());
    event::SocketAddress bound = event::local_address(listening->get());
    event::Listener listener(loop, std::move(*listening));
    std::vector<std::string> got;
    auto serve = [](Loop& l, event::Listener& from) -> Task<void> {
        Fd descriptor = co_await from.accept();
        Stream stream(l, std::move(descriptor));
        stream.write("220 hello\r\n");
        co_await stream.flush();
    };
    auto ask = [](Loop& l, event::SocketAddress to, std::vector<std::string>& out) -> Task<void> {
        Stream stream = co_await event::connect(l, to, 1s);
        co_await read_lines(stream, 100, out);
    };
    loop.spawn(serve(loop, listener));
    loop.spawn(ask(loop, bound, got));
    loop.run_until_idle();
    CHECK(got == std::vector<std::string>{"220 hello", "<eof>"});
}

TEST_CASE("a refused connection says so", "[event][endpoint]") {
    Loop loop;
    std::string seen;
    auto ask = [](Loop& l, std::string& out) -> Task<void> {
        try {
            Stream stream = co_await event::connect(l, event::unix_address("/nowhere/at/all"), 1s);
        } catch (const StreamError& error) {
            out = error.what();
        }
    };
    loop.spawn(ask(loop, seen));
    loop.run_until_idle();
    CHECK(seen == "No such file or directory");
}

TEST_CASE("endpoints are written as in Postfix", "[event][endpoint]") {
    CHECK(event::Endpoint::parse("unix:private/lmtp")->path == "private/lmtp");
    CHECK(event::Endpoint::parse("inet:mda:24")->host == "mda");
    CHECK(event::Endpoint::parse("[::1]:2525")->host == "::1");
    CHECK(event::Endpoint::parse("[::1]:2525")->port == "2525");
    CHECK(event::Endpoint::parse("[IPv6:::1]:25")->host == "::1");
    CHECK(event::Endpoint::parse("example.test")->host == "example.test");
    CHECK_FALSE(event::Endpoint::parse("[::1").has_value());
    CHECK_FALSE(event::parse_port("70000").has_value());
    CHECK(event::parse_port("smtp") == 25);
}
