// test/unit/lmtp/session_test.cc - what a server may say where, and what its words are worth: a real Session against a
// server that the rows play.
#include "lmtp/session.h"

#include <fcntl.h>

#include <map>

#include "lib/event/tls_context.h"
#include "lib/file/write.h"
#include "lib/time/clock.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using namespace std::chrono_literals;
using delivery::DeliverStatus;
using event::Task;

namespace {

const std::string kLetter = "Subject: hello\r\n\r\ntext\r\n";

// What the server says to a command, by the command's first word; "." is the end of the message.
using Words = std::map<std::string, std::string>;

struct Served {
    Words words;
    std::string letter;  // what came between DATA and the dot
    int messages = 0;
    event::TlsContext* tls = nullptr;
    explicit Served(Words the_words) : words(std::move(the_words)) {}
    std::string said_to(const std::string& command) const {
        auto found = words.find(command);
        return found != words.end() ? found->second : "250 2.0.0 ok\r\n";
    }
};

Task<void> take_letter(event::Stream& stream, Served& served) {
    for (;;) {
        std::optional<event::Line> line = co_await stream.read_line(1000);
        if (!line)
            co_return;
        if (line->text == ".")
            break;
        served.letter += std::string(line->text) + "\r\n";
    }
    ++served.messages;
    stream.write(served.said_to("."));
}

Task<void> serve(event::Loop& loop, event::Fd listening, Served& served) {
    event::Listener listener(loop, std::move(listening));
    event::Fd client = co_await listener.accept();
    event::Stream stream(loop, std::move(client));
    try {
        stream.write(served.said_to("greeting"));
        for (;;) {
            std::optional<event::Line> line = co_await stream.read_line(1000);
            if (!line)
                co_return;
            std::string command(line->text.substr(0, line->text.find(' ')));
            std::string reply = served.said_to(command);
            stream.write(reply);
            if (command == "STARTTLS" && served.tls != nullptr) {
                co_await stream.start_tls_server(*served.tls);
                stream.write(served.said_to("handshake"));
            }
            if (command == "DATA" && reply.starts_with("354"))
                co_await take_letter(stream, served);
        }
    } catch (const event::StreamError&) {
        co_return;  // the client broke off
    }
}

delivery::Job make_job(const std::string& path, int recipients) {
    delivery::DeliverRequest request;
    request.queue_id = "ABC";
    request.mail.sender = "carol@client.test";
    request.mail.arrival_us = request.active_us = wall_clock::now_us();
    request.content.length = kLetter.size();
    for (int i = 0; i < recipients; ++i) {
        delivery::DeliverRecipient& recipient = request.recipients.emplace_back();
        recipient.index = static_cast<std::uint32_t>(i);
        recipient.recipient.address = "u" + std::to_string(i) + "@home.test";
    }
    return delivery::Job(std::move(request), event::Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
}

struct Outcome {
    std::string opened;   // why there is no session
    std::string results;  // of each recipient, by their order: s(ent), d(eferred), b(ounced)
    bool usable = false;
};

Task<void> deliver_once(
    event::Loop& loop, const lmtp::Settings& settings, std::string path, delivery::Job& job, Outcome& out) {
    const bool tls = settings.tls != nullptr;
    lmtp::Server server{"mx.home.test", path, ""};
    event::SocketAddress address = event::unix_address(path);
    auto opened = co_await lmtp::Session::open(loop, settings, std::move(server), address, tls);
    if (!opened) {
        out.opened = opened.error().dsn + " " + opened.error().text;
        co_return;
    }
    std::unique_ptr<lmtp::Session> session = std::move(*opened);
    co_await session->deliver(job);
    out.usable = session->usable();
}

Outcome run(Served& served, bool lmtp, int recipients = 1, event::TlsContext* tls = nullptr) {
    test::TemporaryFolder folder;
    const std::string content = folder.path() + "/letter", socket = folder.path() + "/s";
    event::Fd file(::open(content.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(file::write_all(file.get(), kLetter));
    event::Loop loop;
    auto listening = event::listen_at_path(socket, 0600);
    REQUIRE(listening.has_value());
    lmtp::Params params(lmtp ? "lmtp" : "smtp");
    config::MainCf cf = config::MainCf::load(folder.path());
    cf.set("myhostname", "client.test");
    REQUIRE(params.load(cf).empty());
    lmtp::Settings settings{params, lmtp, tls != nullptr ? lmtp::TlsLevel::encrypt : lmtp::TlsLevel::none, tls};
    delivery::Job job = make_job(content, recipients);
    Outcome out;
    loop.spawn(serve(loop, std::move(*listening), served));
    loop.spawn(deliver_once(loop, settings, socket, job, out));
    loop.run_until_idle();
    for (int i = 0; i < recipients; ++i)
        for (const delivery::RecipientResult& result : job.result.recipients)
            if (result.index == static_cast<std::uint32_t>(i))
                out.results += result.status == DeliverStatus::delivered ? 's'
                               : result.status == DeliverStatus::bounced ? 'b'
                                                                         : 'd';
    return out;
}

struct Row {
    const char* name;
    Words words;
    std::string want;
    int messages;  // that the server saw end
    bool usable;
};

const Words kPlain = {{"greeting", "220 hi\r\n"}, {"DATA", "354 go on\r\n"}};

constexpr int kAnyNumber = -1;  // we do not wait for the server to read the end

const Row kRows[] = {
    {"a delivery", {}, "s", 1, true},
    {"any 2xx after the dot", {{".", "299 fine\r\n"}}, "s", 1, true},
    {"354 after the dot", {{".", "354 x\r\n"}}, "d", 1, false},
    {"399 after the dot", {{".", "399 x\r\n"}}, "d", 1, false},
    {"4xx after the dot", {{".", "451 later\r\n"}}, "d", 1, true},
    {"5xx after the dot", {{".", "554 no\r\n"}}, "b", 1, true},
    {"no code after the dot", {{".", "ok\r\n"}}, "d", 1, false},
    {"1xx after the dot", {{".", "150 ok\r\n"}}, "d", 1, false},
    {"6xx after the dot", {{".", "650 ok\r\n"}}, "d", 1, false},
    {"354 and 250 in one segment", {{"DATA", "354 go on\r\n250 2.0.0 done already\r\n"}}, "d", 0, false},
    {"250 to DATA", {{"DATA", "250 done already\r\n"}}, "d", 0, false},
    {"355 to DATA", {{"DATA", "355 go on\r\n"}}, "d", 0, false},
    {"354 to RCPT", {{"RCPT", "354 go on\r\n"}}, "d", 0, false},
    {"354 to MAIL", {{"MAIL", "354 go on\r\n"}}, "d", 0, false},
    {"two answers to RCPT", {{"RCPT", "250 ok\r\n250 ok\r\n"}}, "d", 0, false},
    {"an early refusal stands", {{"DATA", "354 go on\r\n552 5.3.4 too big\r\n"}, {".", ""}}, "b", kAnyNumber, true},
};

}  // namespace

TEST_CASE("only 2xx ends a message, and only in turn", "[lmtp][rfc5321:4.2.1]") {
    for (const Row& row : kRows) {
        for (bool pipelining : {false, true}) {
            for (bool lmtp : {false, true}) {
                DYNAMIC_SECTION(row.name << (pipelining ? ", pipelined" : "") << (lmtp ? ", LMTP" : ", SMTP")) {
                    Words words = row.words;
                    words.insert(kPlain.begin(), kPlain.end());
                    if (pipelining)
                        words[lmtp ? "LHLO" : "EHLO"] = "250-mx\r\n250 PIPELINING\r\n";
                    Served served(std::move(words));
                    Outcome out = run(served, lmtp);
                    CHECK(out.results == row.want);
                    CHECK(out.usable == row.usable);
                    if (!pipelining && row.messages != kAnyNumber)
                        CHECK(served.messages == row.messages);
                    if (row.want == "s")
                        CHECK(served.letter == kLetter);
                }
            }
        }
    }
}

TEST_CASE("each LMTP recipient has an answer of his own", "[lmtp][rfc2033:4.2]") {
    Words words = kPlain;
    words["."] = "250 ok\r\n354 more\r\n250 ok\r\n";
    Served served(std::move(words));
    Outcome out = run(served, true, 3);
    CHECK(out.results == "sdd");
    CHECK_FALSE(out.usable);
}

TEST_CASE("a greeting is 2xx", "[lmtp]") {
    for (const char* greeting : {"354 hello\r\n", "220 hi\r\n250 mx\r\n", "450 not now\r\n", "554 never\r\n"}) {
        Words words = kPlain;
        words["greeting"] = greeting;
        Served served(std::move(words));
        Outcome out = run(served, false);
        CHECK(out.opened.starts_with("4."));
        CHECK(out.results.empty());
    }
}

TEST_CASE("what comes early inside TLS is no answer", "[lmtp][rfc3207:4.2]") {
    test::TemporaryFolder folder;
    const std::string make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout " +
                             folder.path("key.pem") + " -out " + folder.path("cert.pem") + " 2>/dev/null";
    REQUIRE(std::system(make.c_str()) == 0);
    event::TlsContext::ServerSettings settings;
    settings.chain_files = {folder.path("key.pem"), folder.path("cert.pem")};
    settings.service = "test";
    auto server = event::TlsContext::make_server(settings);
    REQUIRE(server.has_value());
    auto client = event::TlsContext::make_client({});
    REQUIRE(client.has_value());
    for (const bool early : {false, true}) {
        Words words = kPlain;
        words["EHLO"] = "250-mx\r\n250 STARTTLS\r\n";
        words["STARTTLS"] = "220 go on\r\n";
        words["handshake"] = early ? "250-mx\r\n250 ok\r\n" : "";
        Served served(std::move(words));
        served.tls = &*server;
        Outcome out = run(served, false, 1, &*client);
        if (early)  // noticed before EHLO is said, or where the answers no longer fit the commands
            CHECK((out.opened.starts_with("4.5.0 protocol error") || out.results == "d"));
        else
            CHECK(out.results == "s");
    }
}
