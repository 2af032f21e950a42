#include "cleanup/session.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

#include "lib/event/scope.h"
#include "test/support/catch.h"

using namespace cleanup;
using namespace ipc::records;

namespace {

struct FakeRewriting : Rewriting {
    std::string complete(const std::string& address) override {
        return address.find('@') == std::string::npos ? address + "@origin.example.test" : address;
    }
    event::Task<std::expected<std::vector<std::string>, std::string>> expand(
        const question::Asker&, std::string recipient) override {
        if (recipient == "broken@example.test")
            co_return std::unexpected(std::string("table is down"));
        std::vector<std::string> targets{recipient};
        if (recipient == "list@example.test")
            targets = {"a@example.test", "b@example.test", "A@example.test"};
        co_return targets;
    }
    event::Task<std::expected<bool, std::string>> is_outside(const question::Asker&, std::string address) override {
        co_return address.ends_with("@elsewhere.test");
    }
};

class Fixture {
  public:
    Fixture() {
        char name[] = "/tmp/malleposte-cleanup-XXXXXX";
        path = mkdtemp(name);
        before = std::filesystem::current_path();
        std::filesystem::current_path(path);
        static_cast<void>(queue::Spool::open(".")->create_directories());
        params.queue_fsync_threads.set(4);
        service = std::make_unique<Service>(loop, params, std::move(*queue::Spool::open(".")), rewriting);
    }
    ~Fixture() {
        service.reset();
        std::filesystem::current_path(before);
        std::filesystem::remove_all(path);
    }

    using Talk = event::Task<void> (*)(ipc::Channel, Fixture&);
    void run(Talk talk) {
        int pair[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
        loop.spawn(serve_client(event::Stream{loop, event::Fd{pair[0]}}, seat, *service));
        loop.spawn(talk(ipc::Channel{event::Stream{loop, event::Fd{pair[1]}}}, *this));
        loop.run_until_idle();
    }
    std::size_t files(const char* queue) const {
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator(path + "/" + queue))
            count += entry.path().filename() != ".queue-id";
        return count;
    }
    queue::MessageFile stored(const std::string& queue, const std::string& id, std::string* content = nullptr) {
        const event::Fd file{open((path + "/" + queue + "/" + id).c_str(), O_RDONLY)};
        auto message = queue::read_message(file.get(), queue::Verify::content_too);
        REQUIRE(message);
        if (content != nullptr) {
            content->resize(message->layout.content_length);
            REQUIRE(pread(file.get(), content->data(), content->size(),
                        static_cast<off_t>(message->layout.content_offset)) == static_cast<ssize_t>(content->size()));
        }
        return std::move(*message);
    }

    std::string path;
    std::filesystem::path before;
    event::Loop loop;
    Params params;
    FakeRewriting rewriting;
    worker::Client seat;
    std::unique_ptr<Service> service;
    std::vector<CleanupReply> replies;
};

CleanupOpen sample_open() {
    CleanupOpen open;
    open.mail.sender = "alice@example.test";
    open.mail.client.name = "client.example.test";
    open.mail.client.address = "192.0.2.7";
    open.mail.client.protocol = "ESMTP";
    open.recipients.resize(1);
    open.recipients[0].address = "bob@example.test";
    return open;
}

void write_message(ipc::Channel& channel, const CleanupOpen& open, const std::string& content, const CleanupEnd& end = {}) {
    channel.write(open);
    for (std::size_t at = 0; at < content.size(); at += 60000) {
        CleanupContent part;
        part.octets = content.substr(at, 60000);
        channel.write(part);
    }
    channel.write(end);
}

event::Task<void> take_reply(ipc::Channel& channel, Fixture& fixture) {
    std::expected<CleanupReply, std::string> reply = co_await channel.receive<CleanupReply>();
    if (reply)
        fixture.replies.push_back(*reply);
}

event::Task<void> two_messages(ipc::Channel channel, Fixture& fixture) {
    std::expected<CleanupReady, std::string> ready = co_await channel.receive<CleanupReady>();
    CleanupOpen open = sample_open();
    write_message(channel, open, "Subject: one\r\n\r\nbody\r\n");
    co_await take_reply(channel, fixture);
    CHECK(fixture.replies[0].queue_id == ready->queue_id);
    open.recipients[0].address = "list@example.test";
    open.handling = kCleanupHold;
    write_message(channel, open, "Subject: two\r\n\r\n" + std::string(2'000'000, 'x') + "\r\n");
    co_await take_reply(channel, fixture);
    CHECK(fixture.replies[1].queue_id == fixture.replies[0].next_queue_id);
}

event::Task<void> verdicts_in_front(ipc::Channel channel, Fixture& fixture) {
    std::expected<CleanupReady, std::string> ready = co_await channel.receive<CleanupReady>();
    CleanupOpen open = sample_open();
    open.prepend_room = 200;
    CleanupEnd end;
    end.prepend = "Authentication-Results: mx.example.test; none\r\n";
    for (std::size_t size : {std::size_t{100}, std::size_t{2'000'000}}) {
        write_message(channel, open, "Subject: x\r\n\r\n" + std::string(size, 'x') + "\r\n", end);
        co_await take_reply(channel, fixture);
    }
    end.prepend = "X: " + std::string(300, 'y') + "\r\n";
    write_message(channel, open, "Subject: x\r\n\r\n" + std::string(2'000'000, 'x') + "\r\n", end);
    co_await take_reply(channel, fixture);
}

event::Task<void> refused_messages(ipc::Channel channel, Fixture& fixture) {
    std::expected<CleanupReady, std::string> ready = co_await channel.receive<CleanupReady>();
    CleanupOpen open = sample_open();
    open.recipients[0].address = "broken@example.test";
    write_message(channel, open, "Subject: x\r\n\r\n");
    co_await take_reply(channel, fixture);
    open.recipients.clear();
    write_message(channel, open, "Subject: x\r\n\r\n");
    co_await take_reply(channel, fixture);
    open = sample_open();
    write_message(channel, open, "Subject: x\r\n\r\n" + std::string(12'000'000, 'x'));
    co_await take_reply(channel, fixture);
    std::string loop;
    for (int i = 0; i < 60; ++i)
        loop += "Received: again\r\n";
    write_message(channel, open, loop + "\r\n");
    co_await take_reply(channel, fixture);
}

event::Task<void> dsn_and_lists(ipc::Channel channel, Fixture& fixture) {
    std::expected<CleanupReady, std::string> ready = co_await channel.receive<CleanupReady>();
    CleanupOpen open = sample_open();
    open.mail.envid = "QQ1";
    open.mail.ret = envelope::Ret::headers;
    open.recipients[0] = {
        "list@example.test", "", "rfc822;list@example.test", envelope::kNotifySuccess | envelope::kNotifyDelay};
    open.recipients.push_back({"bob@example.test", "", "", envelope::kNotifySuccess});
    write_message(channel, open, "Subject: x\r\n\r\n");
    co_await take_reply(channel, fixture);
    open.recipients[0].notify = envelope::kNotifySuccess;
    write_message(channel, open, "Subject: x\r\n\r\n");
    co_await take_reply(channel, fixture);
}

event::Task<void> leave_in_the_middle(ipc::Channel channel, Fixture&) {
    std::expected<CleanupReady, std::string> ready = co_await channel.receive<CleanupReady>();
    channel.write(sample_open());
    CleanupContent part;
    part.octets.assign(900'000, 'x');
    channel.write(part);
    co_await channel.stream().flush();
}

event::Task<void> abort_one(ipc::Channel channel, Fixture& fixture) {
    std::expected<CleanupReady, std::string> ready = co_await channel.receive<CleanupReady>();
    channel.write(sample_open());
    channel.write(CleanupAbort{});
    write_message(channel, sample_open(), "Subject: x\r\n\r\n");
    co_await take_reply(channel, fixture);
    CHECK(fixture.replies.at(0).queue_id == ready->queue_id);
}

event::Task<void> speak_nonsense(ipc::Channel channel, Fixture& fixture) {
    std::expected<CleanupReady, std::string> ready = co_await channel.receive<CleanupReady>();
    channel.write(CleanupEnd{});
    co_await take_reply(channel, fixture);
}

}  // namespace

TEST_CASE("messages over one connection are stored", "[cleanup]") {
    Fixture fixture;
    fixture.run(two_messages);
    REQUIRE(fixture.replies.size() == 2);
    CHECK(fixture.replies[0].code == 250);
    std::string content;
    const queue::Message one = fixture.stored("incoming", fixture.replies[0].queue_id, &content);
    CHECK(content.starts_with("Received: from client.example.test"));
    CHECK(content.ends_with("\r\nSubject: one\r\n\r\nbody\r\n"));
    CHECK(one.envelope.mail.sender == "alice@example.test");

    CHECK(fixture.replies[1].code == 250);
    const queue::Message two = fixture.stored("hold", fixture.replies[1].queue_id);
    REQUIRE(two.envelope.recipients.size() == 2);  // a, b; A is a again
    CHECK(two.envelope.recipients[1].given() == "list@example.test");
}

TEST_CASE("a list is expanded once for who asks about success", "[cleanup][rfc3461:5.2.7]") {
    Fixture fixture;
    fixture.run(dsn_and_lists);
    REQUIRE(fixture.replies.size() == 2);
    const queue::Envelope one = fixture.stored("incoming", fixture.replies[0].queue_id).envelope;
    CHECK(one.mail.envid == "QQ1");
    CHECK(one.mail.ret == envelope::Ret::headers);
    REQUIRE(one.recipients.size() == 3);
    CHECK(one.recipients[0].address == "a@example.test");
    CHECK(one.recipients[0].given() == "list@example.test");
    CHECK(one.recipients[0].orcpt == "rfc822;list@example.test");
    CHECK(one.recipients[0].notify == envelope::kNotifyDelay);
    CHECK(one.recipients[2].notify == envelope::kNotifySuccess);  // bob, who is nobody else
    REQUIRE(one.expanded.size() == 1);
    CHECK(one.expanded[0].address == "list@example.test");
    CHECK(one.expanded[0].notify == (envelope::kNotifySuccess | envelope::kNotifyDelay));
    const queue::Envelope two = fixture.stored("incoming", fixture.replies[1].queue_id).envelope;
    CHECK(two.recipients[0].notify == envelope::kNotifyNever);
}

TEST_CASE("fields that are known last stand above the rest", "[cleanup]") {
    Fixture fixture;
    fixture.run(verdicts_in_front);
    REQUIRE(fixture.replies.size() == 3);
    for (int i : {0, 1}) {
        CHECK(fixture.replies[i].code == 250);
        std::string content;
        static_cast<void>(fixture.stored("incoming", fixture.replies[i].queue_id, &content));
        CHECK(content.starts_with("Authentication-Results: mx.example.test; none\r\nReceived: from client.example.test"));
        CHECK(content.ends_with("x\r\n"));
    }
    CHECK(fixture.replies[2].code == 451);  // more than was asked for
    CHECK(fixture.files("incoming") == 2);
}

TEST_CASE("what is refused leaves nothing behind", "[cleanup]") {
    Fixture fixture;
    fixture.run(refused_messages);
    REQUIRE(fixture.replies.size() == 4);
    CHECK(fixture.replies[0].code == 451);
    CHECK(fixture.replies[1].code == 550);
    CHECK(fixture.replies[2].code == 552);
    CHECK(fixture.replies[3].code == 554);
    CHECK(fixture.files("incoming") == 0);
}

TEST_CASE("a client that leaves in the middle leaves nothing behind", "[cleanup]") {
    Fixture fixture;
    fixture.run(leave_in_the_middle);
    CHECK(fixture.files("incoming") == 0);
}

TEST_CASE("an aborted message keeps its id for the next", "[cleanup]") {
    Fixture fixture;
    fixture.run(abort_one);
    REQUIRE(fixture.replies.size() == 1);
    CHECK(fixture.replies[0].code == 250);
    CHECK(fixture.files("incoming") == 1);
}

TEST_CASE("nonsense ends the connection only", "[cleanup]") {
    Fixture fixture;
    fixture.run(speak_nonsense);
    CHECK(fixture.replies.empty());
    fixture.run(abort_one);
    CHECK(fixture.replies.size() == 1);
}

TEST_CASE("a file that cannot be written is a temporary failure", "[cleanup]") {
    Fixture fixture;
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{1000, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    fixture.run(two_messages);
    setrlimit(RLIMIT_FSIZE, &before);
    REQUIRE(fixture.replies.size() == 2);
    CHECK(fixture.replies[0].code == 250);
    CHECK(fixture.replies[1].code == 452);
    CHECK(fixture.files("hold") == 0);
}
