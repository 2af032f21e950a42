// test/unit/imapd/lmtp_store/delivery_test.cc - lmtp-store as lmtpd sees it, with an auth that the test plays; the threads
// that write are real, so this is also what the thread sanitizer looks at.
#include "imapd/lmtp/store/delivery.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "lib/event/endpoint.h"
#include "lib/event/scope.h"
#include "lib/sasl/auth_line.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

namespace fs = std::filesystem;
using event::Task;
using namespace ipc::records;

namespace {

constexpr uid_t kUid = 12345;  // where the test runs as root; nobody has to know it

struct Fixture {
    test::TemporaryFolder folder;
    event::Loop loop;
    lmtp_store::Params params;
    event::Listener auth{loop, std::move(*event::listen_at_path(folder.path("auth"), 0600))};
    bool root = ::geteuid() == 0;
    std::string ids;  // what auth says of the user's identity

    Fixture() {
        config::MainCf cf;
        params.load(cf);
        params.sieve_socket.set("");
        const uid_t uid = root ? kUid : ::geteuid();
        ids = "uid=" + std::to_string(uid) + "\tgid=" + std::to_string(root ? kUid : ::getegid());
        ::chmod(folder.path().c_str(), 0755);
        for (const char* user : {"alice", "bob", "carol"}) {
            fs::create_directory(folder.path(user));
            if (root)
                REQUIRE(::chown(folder.path(user).c_str(), kUid, kUid) == 0);
        }
        loop.spawn(accept_auth(*this));
    }
    ~Fixture() {
        loop.cancel_all();
        loop.run_until_idle();
    }

    static Task<void> accept_auth(Fixture& fixture) {
        for (;;) {
            event::Fd descriptor = co_await fixture.auth.accept();
            event::Stream stream(fixture.loop, std::move(descriptor));
            fixture.loop.spawn(answer(std::move(stream), fixture));
        }
    }

    // Everybody with a folder exists.
    static Task<void> answer(event::Stream stream, Fixture& fixture) {
        for (;;) {
            std::optional<event::Line> line = co_await stream.read_line(10000);
            if (!line)
                co_return;
            const std::vector<std::string> fields = sasl::split_fields(line->text);
            if (fields[0] != "USER")
                continue;
            const std::string local = fields[2].substr(0, fields[2].find('@'));
            if (fs::exists(fixture.folder.path(local)))
                stream.write("USER\t" + fields[1] + "\t" + local + "\t" + fixture.ids +
                             "\thome=" + fixture.folder.path(local) + "\tmail=maildir:~/Maildir\n");
            else
                stream.write("NOTFOUND\t" + fields[1] + "\n");
        }
    }

    struct Message {
        std::vector<std::string> recipients;
        std::string content;
    };

    // One connection of lmtpd: the messages one after the other.
    static Task<void> play_lmtpd(event::Stream stream, std::vector<Message> messages, std::vector<StoreResult>& results) {
        ipc::Channel channel(std::move(stream));
        for (Message& message : messages) {
            StoreOpen open;
            open.session = "s";
            open.sender = "dave@example.test";
            open.trace = "Received: from a test\r\n";
            open.recipients = message.recipients;
            channel.write(open);
            for (std::size_t at = 0; at < message.content.size(); at += 32768) {
                StoreContent content;
                content.octets = message.content.substr(at, 32768);
                channel.write(content);
                co_await channel.stream().drain();
            }
            StoreEnd end;
            channel.write(end);
            std::expected<StoreReply, std::string> reply = co_await channel.receive<StoreReply>();
            REQUIRE(reply);
            results.insert(results.end(), reply->results.begin(), reply->results.end());
        }
    }

    static Task<void> play_all(Fixture& fixture, lmtp_store::Services& services,
        std::vector<std::vector<Message>> connections, std::vector<StoreResult>& results) {
        std::vector<worker::Client> seats(connections.size());
        event::Scope clients(fixture.loop);
        for (std::size_t i = 0; i < connections.size(); ++i) {
            int ends[2];
            REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
            event::Stream server(fixture.loop, event::Fd(ends[0]));
            clients.spawn(lmtp_store::serve_client(std::move(server), seats[i], services));
            event::Stream client(fixture.loop, event::Fd(ends[1]));
            clients.spawn(play_lmtpd(std::move(client), std::move(connections[i]), results));
        }
        co_await clients.close();
        fixture.loop.stop();
    }

    std::vector<StoreResult> run(std::vector<std::vector<Message>> connections) {
        std::vector<StoreResult> results;
        event::ThreadPool pool(loop, 8);
        userdb::AuthMaster users(loop, folder.path("auth"), "lmtp");
        lmtp_store::SieveLink sieve(loop, params.sieve_socket());
        lmtp_store::Services services{params, pool, users, sieve};
        loop.spawn(play_all(*this, services, std::move(connections), results));
        loop.run();
        return results;
    }

    std::vector<fs::path> mail_of(const std::string& user) const {
        std::vector<fs::path> files;
        if (fs::exists(folder.path(user) + "/Maildir/new"))
            for (const auto& entry : fs::directory_iterator(folder.path(user) + "/Maildir/new"))
                files.push_back(entry.path());
        return files;
    }
};

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
}

std::string uid_of(const fs::path& path) {
    const std::string name = path.filename();
    const std::size_t at = name.find(",U=");
    return at == std::string::npos ? std::string() : name.substr(at + 3, name.find_first_of(",:", at + 3) - at - 3);
}

}  // namespace

TEST_CASE("many writers into the same mailboxes", "[lmtp_store]") {
    Fixture fixture;
    constexpr std::size_t kConnections = 6, kMessages = 10;
    std::vector<std::vector<Fixture::Message>> connections(kConnections);
    for (std::size_t c = 0; c < kConnections; ++c)
        for (std::size_t m = 0; m < kMessages; ++m) {
            std::string content = "Subject: " + std::to_string(c) + "-" + std::to_string(m) + "\r\n\r\n";
            // One of five is written in pieces, because it is not kept in memory whole.
            content += std::string(m % 5 == 0 ? 400000 : 200, 'x') + "\r\n";
            connections[c].push_back(
                {{"alice@example.test", c % 2 == 0 ? "bob@example.test" : "carol@example.test"}, content});
        }
    const std::vector<StoreResult> results = fixture.run(std::move(connections));
    CHECK(results.size() == 2 * kConnections * kMessages);
    CHECK(std::ranges::all_of(results, [](const StoreResult& result) { return result.code == 250; }));
    std::set<std::string> uids, subjects;
    for (const fs::path& file : fixture.mail_of("alice")) {
        uids.insert(uid_of(file));
        const std::string content = read(file);
        subjects.insert(content.substr(content.find("Subject: "), 20));
        CHECK(content.starts_with(
            "Return-Path: <dave@example.test>\r\nDelivered-To: alice@example.test\r\nReceived: from a test\r\n"));
        CHECK(content.ends_with("x\r\n"));
    }
    CHECK(uids.size() == kConnections * kMessages);
    CHECK(!uids.contains(""));
    CHECK(subjects.size() == kConnections * kMessages);
    CHECK(fixture.mail_of("bob").size() + fixture.mail_of("carol").size() == kConnections * kMessages);
}

TEST_CASE("each recipient has an answer of his own", "[lmtp_store]") {
    Fixture fixture;
    const std::vector<StoreResult> results = fixture.run({{{{"nobody@example.test", "alice@example.test"}, "\r\nx\r\n"}}});
    REQUIRE(results.size() == 2);
    CHECK(results[0].code == 550);
    CHECK(results[1].code == 250);
    CHECK(fixture.mail_of("alice").size() == 1);
}

TEST_CASE("who may not be written for", "[lmtp_store]") {
    Fixture fixture;
    if (!fixture.root) {
        fixture.ids = "uid=" + std::to_string(::geteuid() + 1) + "\tgid=1";
        const std::vector<StoreResult> results = fixture.run({{{{"alice@example.test"}, "\r\nx\r\n"}}});
        CHECK(results[0].code == 451);
        return;
    }
    for (const char* ids :
        {"uid=0\tgid=100", "uid=12345\tgid=0", "uid=499\tgid=100", "uid=12345", "gid=12345", "uid=odd\tgid=1"}) {
        INFO(ids);
        fixture.ids = ids;
        const std::vector<StoreResult> results = fixture.run({{{{"alice@example.test"}, "\r\nx\r\n"}}});
        REQUIRE(results.size() == 1);
        CHECK(results[0].code == 451);
    }
    CHECK(fixture.mail_of("alice").empty());
}

TEST_CASE("a message without an end leaves nothing", "[lmtp_store]") {
    Fixture fixture;
    event::ThreadPool pool(fixture.loop, 2);
    userdb::AuthMaster users(fixture.loop, fixture.folder.path("auth"), "lmtp");
    lmtp_store::SieveLink sieve(fixture.loop, "");
    lmtp_store::Services services{fixture.params, pool, users, sieve};
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    {
        event::Fd lmtpd(ends[1]);
        StoreOpen open;
        open.recipients = {"alice@example.test"};
        StoreContent content;
        content.octets = std::string(60000, 'x');
        std::string said = ipc::encode(open);
        for (int i = 0; i < 6; ++i)
            said += ipc::encode(content);
        ::fcntl(lmtpd.get(), F_SETFL, 0);
        std::thread writer([&] {
            CHECK(::write(lmtpd.get(), said.data(), said.size()) == static_cast<ssize_t>(said.size()));
            lmtpd.reset();
        });
        worker::Client seat;
        struct Serve {
            static Task<void> all(
                event::Stream stream, worker::Client& seat, lmtp_store::Services& services, event::Loop& loop) {
                co_await lmtp_store::serve_client(std::move(stream), seat, services);
                loop.stop();
            }
        };
        fixture.loop.spawn(Serve::all(event::Stream(fixture.loop, event::Fd(ends[0])), seat, services, fixture.loop));
        fixture.loop.run();
        writer.join();
    }
    CHECK(fixture.mail_of("alice").empty());
    CHECK(fs::is_empty(fixture.folder.path("alice") + "/Maildir/tmp"));
}
