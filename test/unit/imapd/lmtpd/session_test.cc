// test/unit/imapd/lmtpd/session_test.cc - LMTP: a real Session on one end of a socket pair, with an lmtp-store that the test
// plays.
#include "imapd/lmtp/lmtpd/session.h"

#include <sys/socket.h>

#include <sstream>

#include "test/support/catch.h"

using event::Task;
using ipc::records::StoreKnown;

namespace {

// lmtp-store as its records say: alice and bob exist, "later@" cannot be told now, full@'s disk is full.
struct Store {
    explicit Store(event::Loop& the_loop) : loop(the_loop) {}

    event::Loop& loop;
    int connections = 0;
    bool closes_when_idle = false;  // as one that reloads: ends the connection after each answer to a whole message
    bool dies_in_content = false;
    std::vector<ipc::records::StoreOpen> opened;
    std::vector<std::string> stored;  // the content of each whole message
    int dropped = 0;                  // messages without an end

    static ipc::records::StoreLookupReply look_up(const std::string& recipient) {
        ipc::records::StoreLookupReply reply;
        if (recipient.starts_with("later@"))
            reply.known = StoreKnown::temporary;
        else
            reply.known = recipient.starts_with("nobody@") ? StoreKnown::unknown : StoreKnown::known;
        return reply;
    }

    ipc::records::StoreReply result() const {
        ipc::records::StoreReply reply;
        for (const std::string& recipient : opened.back().recipients) {
            ipc::records::StoreResult one;
            const bool full = recipient.starts_with("full@");
            one.code = full ? 452 : 250;
            one.dsn = full ? "4.2.2" : "2.0.0";
            one.text = full ? "Mailbox is full" : opened.back().session + " Saved";
            reply.results.push_back(std::move(one));
        }
        return reply;
    }

    // One frame; false where the connection is to end.
    bool take(ipc::Channel& channel, std::string_view frame, std::optional<std::string>& content) {
        if (auto lookup = ipc::decode<ipc::records::StoreLookup>(frame)) {
            channel.write(look_up(lookup->recipient));
        } else if (auto open = ipc::decode<ipc::records::StoreOpen>(frame)) {
            opened.push_back(std::move(*open));
            content.emplace();
        } else if (auto piece = ipc::decode<ipc::records::StoreContent>(frame)) {
            *content += piece->octets;
            return !dies_in_content;
        } else if (ipc::decode<ipc::records::StoreEnd>(frame)) {
            stored.push_back(std::move(*content));
            content.reset();
            channel.write(result());
            return !closes_when_idle;
        }
        return true;
    }

    static Task<void> serve(event::Fd descriptor, Store& store) {
        ++store.connections;
        ipc::Channel channel(event::Stream(store.loop, std::move(descriptor)));
        std::optional<std::string> content;
        for (bool going = true; going;) {
            std::optional<std::string_view> frame = co_await channel.next_frame();
            going = frame && store.take(channel, *frame, content);
        }
        store.dropped += content.has_value();
        co_await channel.stream().flush();
    }
};

Task<void> play_client(event::Stream stream, std::string said, std::string& heard, event::Loop& loop) {
    stream.write(said);
    try {
        for (;;) {
            std::string_view some = co_await stream.read_some();
            if (some.empty())
                break;
            heard += some;
            const std::size_t size = some.size();
            stream.consume(size);
        }
    } catch (const event::StreamError&) {
        heard += "<reset>";
    }
    loop.stop();
}

struct Fixture {
    event::Loop loop;
    Store store{loop};
    lmtpd::Params params;
    std::optional<lmtpd::StorePool> pool;

    Fixture() {
        config::MainCf cf;
        params.load(cf);
        params.myhostname.set("mx.example.test");
        pool.emplace(loop, lmtpd::store_settings(params));
        pool->use([this](event::Fd end) { loop.spawn(Store::serve(std::move(end), store)); });
    }
    ~Fixture() {
        pool.reset();
        loop.cancel_all();
        loop.run_until_idle();
    }

    // All that one session answers to a client that says everything at once.
    std::string run(std::string said) {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        std::string heard;
        worker::Client seat;
        lmtpd::Services services{params, *pool};
        loop.spawn(lmtpd::serve_client(event::Stream(loop, event::Fd(ends[0])), seat, services));
        loop.spawn(play_client(event::Stream(loop, event::Fd(ends[1])), std::move(said), heard, loop));
        loop.run();
        return heard;
    }

    // The codes of the replies, one for each, the last lines of multi-line ones.
    std::string codes(std::string said) {
        std::istringstream lines(run(std::move(said)));
        std::string all;
        for (std::string line; std::getline(lines, line);)
            if (line.size() > 3 && line[3] == ' ')
                all += (all.empty() ? "" : " ") + line.substr(0, 3);
        return all;
    }
};

struct OrderCase {
    const char* name;
    const char* said;
    const char* want;
};

const OrderCase kOrderCases[] = {
    {"nothing but QUIT", "QUIT\r\n", "220 221"},
    {"MAIL before LHLO", "MAIL FROM:<a@b.test>\r\nQUIT\r\n", "220 503 221"},
    {"HELO and EHLO are SMTP's (RFC 2033, 4.1)", "HELO x\r\nEHLO x\r\nQUIT\r\n", "220 500 500 221"},
    {"LHLO without a name", "LHLO\r\nQUIT\r\n", "220 501 221"},
    {"RCPT before MAIL", "LHLO x\r\nRCPT TO:<alice@b.test>\r\nQUIT\r\n", "220 250 503 221"},
    {"MAIL twice", "LHLO x\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nQUIT\r\n", "220 250 250 503 221"},
    {"RSET forgets the sender", "LHLO x\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\nQUIT\r\n", "220 250 250 250 250 221"},
    {"DATA without a recipient (RFC 2033, 4.2)", "LHLO x\r\nMAIL FROM:<>\r\nDATA\r\nQUIT\r\n", "220 250 250 503 221"},
    {"who is unknown is refused, who cannot be told later",
        "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<nobody@b.test>\r\nRCPT TO:<later@b.test>\r\nDATA\r\nQUIT\r\n",
        "220 250 250 550 451 503 221"},
    {"options that are not offered", "LHLO x\r\nMAIL FROM:<a@b.test> FOO=1\r\nQUIT\r\n", "220 250 555 221"},
    {"an address that is none", "LHLO x\r\nMAIL FROM:<\"a>\r\nRCPT TO:<>\r\nQUIT\r\n", "220 250 501 503 221"},
    {"a web browser that was made to connect here", "GET / HTTP/1.1\r\nHost: x\r\nLHLO x\r\n", "220 221"},
    {"what is no word at all", "\x16\x03\x01\r\nLHLO x\r\n", "220 221"},
    {"words nobody knows", "FOO\r\nQUIT\r\n", "220 500 221"},
};

constexpr const char* kMessage =
    "LHLO client.test\r\nMAIL FROM:<bob@b.test>\r\nRCPT TO:<alice@b.test>\r\nRCPT TO:<full@b.test>\r\nDATA\r\n"
    "Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";

}  // namespace

TEST_CASE("the order of LMTP's commands", "[lmtpd][rfc2033]") {
    for (const OrderCase& one : kOrderCases) {
        DYNAMIC_SECTION(one.name) {
            Fixture fixture;
            CHECK(fixture.codes(one.said) == one.want);
        }
    }
}

TEST_CASE("too many errors", "[lmtpd][rfc5321:3.8]") {
    Fixture fixture;
    fixture.params.hard_error_limit.set(3);
    CHECK(fixture.codes("FOO\r\nFOO\r\nNOOP\r\nFOO\r\nNOOP\r\n") == "220 500 500 250 500 421");
}

TEST_CASE("one reply for each recipient, in their order", "[lmtpd][rfc2033:4.2]") {
    Fixture fixture;
    const std::string heard = fixture.run(kMessage);
    const std::size_t saved = heard.find("250 2.0.0 <alice@b.test> ");
    const std::size_t full = heard.find("452 4.2.2 <full@b.test> Mailbox is full");
    CHECK(saved != std::string::npos);
    CHECK(full != std::string::npos);
    CHECK(saved < full);
    REQUIRE(fixture.store.stored.size() == 1);
    CHECK(fixture.store.stored[0] == "Subject: x\r\n\r\n.dot\r\n");
    CHECK(fixture.store.opened[0].sender == "bob@b.test");
    CHECK(fixture.store.opened[0].trace.starts_with("Received: from client.test ([local])\r\n"));
}

TEST_CASE("lmtp-store's connection serves one session after the other", "[lmtpd]") {
    Fixture fixture;
    fixture.run(kMessage);
    fixture.run(kMessage);
    CHECK(fixture.store.connections == 1);
    CHECK(fixture.store.stored.size() == 2);
}

TEST_CASE("an lmtp-store that has left meanwhile is found out before a message", "[lmtpd]") {
    Fixture fixture;
    fixture.store.closes_when_idle = true;
    const std::string twice =
        "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice@b.test>\r\nDATA\r\n\r\nfirst\r\n.\r\n"
        "MAIL FROM:<>\r\nRCPT TO:<alice@b.test>\r\nDATA\r\n\r\nsecond\r\n.\r\nQUIT\r\n";
    CHECK(fixture.codes(twice) == "220 250 250 250 354 250 250 250 354 250 221");
    CHECK(fixture.codes(kMessage) == "220 250 250 250 250 354 250 452 221");
    CHECK(fixture.store.stored.size() == 3);
}

TEST_CASE("an lmtp-store that dies: try later, for each recipient", "[lmtpd]") {
    Fixture fixture;
    fixture.store.dies_in_content = true;
    CHECK(fixture.codes(kMessage) == "220 250 250 250 250 354 451 451 221");
    CHECK(fixture.store.stored.empty());
}

TEST_CASE("a message that is too large leaves nothing", "[lmtpd]") {
    Fixture fixture;
    fixture.params.message_size_limit.set(1000);
    const std::string large = "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice@b.test>\r\nDATA\r\n" + std::string(5000, 'x') +
                              "\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<alice@b.test>\r\nDATA\r\nsmall\r\n.\r\nQUIT\r\n";
    CHECK(fixture.codes(large) == "220 250 250 250 354 552 250 250 354 250 221");
    CHECK(fixture.store.stored == std::vector<std::string>{"small\r\n"});
}

TEST_CASE("a client that goes away in the middle of a message", "[lmtpd]") {
    Fixture fixture;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    worker::Client seat;
    lmtpd::Services services{fixture.params, *fixture.pool};
    {
        event::Fd client(ends[1]);
        const std::string_view said = "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice@b.test>\r\nDATA\r\nhalf";
        REQUIRE(::write(client.get(), said.data(), said.size()) == static_cast<ssize_t>(said.size()));
    }
    fixture.loop.spawn(lmtpd::serve_client(event::Stream(fixture.loop, event::Fd(ends[0])), seat, services));
    fixture.loop.run_until_idle();
    CHECK(fixture.store.dropped == static_cast<int>(fixture.store.opened.size()));
    CHECK(fixture.store.stored.empty());
}
