// test/unit/smtpd/session/session_test.cc - SMTP: a real Session on one end of a socket pair, with a cleanup that the test
// plays and the DNS from memory.
#include "smtpd/session.h"

#include <sys/socket.h>

#include <algorithm>

#include "lib/dns/zone_data.h"
#include "lib/ipc/channel.h"
#include "test/support/catch.h"
#include "test/support/later_table.h"
#include "test/support/temporary_folder.h"

using namespace smtpd;
using namespace ipc::records;
using event::Task;

namespace {

std::pair<event::Fd, event::Fd> make_pair_of_sockets() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    return {event::Fd(ends[0]), event::Fd(ends[1])};
}

// A server with a client, whose cleanup accepts everything.
class House {
  public:
    explicit House(std::initializer_list<std::pair<std::string, std::string>> settings = {}) {
        config::MainCf cf = config::MainCf::load(folder.path());
        const std::pair<const char*, const char*> usual[] = {{"myhostname", "mx.home.test"}, {"mydestination", "home.test"},
            {"local_recipient_maps", ""}, {"alias_maps", ""}, {"mynetworks", ""}, {"smtpd_peername_lookup", "no"}};
        for (const auto& [name, value] : usual)
            cf.set(name, value);
        for (const auto& [name, value] : settings)
            cf.set(name, value);
        for (const config::Problem& problem : params.load(cf))
            FAIL(config::format_problem(problem));
        services = std::make_unique<Services>(params, cf, loop);
        auto data = std::make_unique<dns::ZoneData>();
        REQUIRE(data->add("good.test", dns::Type::a, "192.0.2.1"));
        services->gate.use_resolver(std::move(data));
        services->cleanup.use([this](event::Fd descriptor) { loop.spawn(serve_cleanup(std::move(descriptor), *this)); });
    }
    ~House() {
        loop.cancel_all();
        loop.run_until_idle();
        services->close();
    }

    // Each reply, greeting first, to lines that go out one after the other; those of one string together, each with a reply
    // of its own, unless it is a message.
    std::vector<std::string> talk(std::vector<std::string> lines) {
        auto [client, server] = make_pair_of_sockets();
        event::Stream stream(loop, std::move(server));
        loop.spawn(serve_client(std::move(stream), seat, *services));
        std::vector<std::string> replies;
        loop.spawn(converse(loop, std::move(client), std::move(lines), replies));
        loop.run();  // connections to cleanup stay
        return replies;
    }

    static Task<std::string> read_reply(event::Stream& stream) {
        std::string reply;
        for (bool more = true; more;) {
            std::optional<event::Line> line = co_await stream.read_line(1000);
            if (!line)
                co_return "end";
            more = line->text.size() > 3 && line->text[3] == '-';
            reply += (reply.empty() ? "" : "\n") + std::string(line->text);
        }
        co_return reply;
    }

    static Task<void> converse(
        event::Loop& loop, event::Fd client, std::vector<std::string> lines, std::vector<std::string>& replies) {
        struct StopAtEnd {
            explicit StopAtEnd(event::Loop& the_loop) : loop(the_loop) {}
            ~StopAtEnd() { loop.stop(); }
            event::Loop& loop;
        };
        const StopAtEnd stop(loop);
        event::Stream stream(loop, std::move(client));
        stream.set_timeout(std::chrono::seconds(20));
        std::string greeting = co_await read_reply(stream);
        replies.push_back(std::move(greeting));
        for (const std::string& line : lines) {
            stream.write(line + "\r\n");
            long commands = line.ends_with("\n.") ? 1 : 1 + std::ranges::count(line, '\n');
            while (commands-- > 0) {
                std::string reply = co_await read_reply(stream);
                replies.push_back(std::move(reply));
            }
        }
    }

    static Task<void> serve_cleanup(event::Fd descriptor, House& house) {
        ipc::Channel channel(event::Stream(house.loop, std::move(descriptor)));
        CleanupReady ready;
        ready.queue_id = "ABC1";
        channel.write(ready);
        co_await channel.stream().flush();
        for (;;) {
            std::optional<std::string_view> frame = co_await channel.next_frame();
            if (!frame)
                co_return;
            if (auto open = ipc::decode<CleanupOpen>(*frame))
                house.opened.push_back(std::move(*open));
            if (!ipc::decode<CleanupEnd>(*frame))
                continue;
            CleanupReply reply;
            reply.code = 250;
            reply.dsn = "2.0.0";
            reply.queue_id = "ABC1";
            reply.next_queue_id = "ABC2";
            channel.write(reply);
            co_await channel.stream().flush();
        }
    }

    test::TemporaryFolder folder;
    event::Loop loop;
    Params params;
    worker::Client seat;
    std::unique_ptr<Services> services;
    std::vector<CleanupOpen> opened;
};

const std::string kMail = "MAIL FROM:<a@good.test>";
const std::string kRcpt = "RCPT TO:<alice@home.test>";

}  // namespace

TEST_CASE("a message goes through", "[smtpd][rfc5321:3.3]") {
    House house;
    const std::string text = "Subject: x\r\n\r\nbody\r\n.";
    auto got = house.talk({"EHLO client.test", kMail, kRcpt, "DATA", text, "QUIT"});
    CHECK(got == std::vector<std::string>{"220 mx.home.test ESMTP Malleposte", got[1], "250 2.1.0 Ok", "250 2.1.5 Ok",
                     "354 End data with <CR><LF>.<CR><LF>", "250 2.0.0 Ok: queued as ABC1", "221 2.0.0 Bye"});
    REQUIRE(house.opened.size() == 1);
    CHECK(house.opened[0].mail.sender == "a@good.test");
    CHECK(house.opened[0].recipients.size() == 1);
}

TEST_CASE("what each command's row says", "[smtpd]") {
    House house;
    SECTION("EHLO offers what commands bring, in one order") {
        CHECK(house.talk({"EHLO client.test"})[1] ==
              "250-mx.home.test\n250-PIPELINING\n250-SIZE 10240000\n250-ENHANCEDSTATUSCODES\n250-8BITMIME\n250 DSN");
    }
    SECTION("HELP knows every command") {
        for (const CommandSpec& spec : all_commands()) {
            CAPTURE(spec.verb);
            CHECK(house.talk({"HELP " + std::string(spec.verb)})[1] ==
                  "214 2.0.0 " + std::string(spec.syntax) + ": " + std::string(spec.help));
            CHECK(spec.syntax.starts_with(spec.verb));
        }
        CHECK(house.talk({"HELP me"})[1] == "504 5.5.4 HELP: there is no such command");
        CHECK(house.talk({"help"})[1].starts_with(
            "214-2.0.0 Commands: HELO EHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT\n"));
    }
    SECTION("which commands end a pipelined group") {  // RFC 2920, 3.1; RFC 3207, 4; RFC 4954, 4
        std::string ends;
        for (const CommandSpec& spec : all_commands())
            if (spec.synchronises)
                ends += std::string(spec.verb) + " ";
        CHECK(ends == "HELO EHLO STARTTLS AUTH DATA NOOP VRFY QUIT ");
    }
}

TEST_CASE("pipelining behind a command that ends its group", "[smtpd][rfc2920:3.1]") {
    House house{{"smtpd_data_restrictions", "reject_unauth_pipelining"}};
    const std::string group = kMail + "\r\n" + kRcpt;
    auto got = house.talk({"EHLO client.test", group, "DATA\r\nSubject: x"});
    CHECK(got[4].starts_with("503 5.5.0 <DATA>: Data command rejected: Improper use of SMTP command pipelining"));
    got = house.talk({"EHLO client.test", group, "DATA"});
    CHECK(got[4].starts_with("354 "));
}

TEST_CASE("a list of networks that cannot be read is no stranger", "[smtpd]") {
    House house{{"mynetworks", "fail:x"}};
    CHECK(house.talk({"EHLO client.test", kMail})[2] == "451 4.3.0 Temporary lookup failure");
}

TEST_CASE("tables that have to be waited for", "[smtpd]") {
    test::LaterTables later;
    for (const char* name : {"nets", "access", "boxes", "headers"})
        later[name].open = true;
    later["nets"].entries["127.0.0.1"] = "";
    later["boxes"].entries["alice"] = "x";
    later["access"].entries["bad.test"] = "reject_unknown_sender_domain";
    House house{{"mynetworks", "later:nets"}, {"local_recipient_maps", "later:boxes"},
        {"smtpd_sender_restrictions", "check_sender_access later:access"},
        {"local_header_rewrite_clients", "check_client_access later:headers"}};
    auto got = house.talk(
        {"EHLO client.test", kMail, kRcpt, "RCPT TO:<bob@home.test>", "RSET", "MAIL FROM:<a@bad.test>", kRcpt});
    CHECK(got[2] == "250 2.1.0 Ok");
    CHECK(got[3] == "250 2.1.5 Ok");
    CHECK(got[4] == "550 5.1.1 <bob@home.test>: Recipient address rejected: User unknown in local recipient table");
    CHECK(got[7] == "450 4.1.8 <a@bad.test>: Sender address rejected: Domain not found");
    later["headers"].fails = true;
    CHECK(house.talk({"EHLO client.test", kMail})[2] == "451 4.3.0 Temporary lookup failure");
}
