// test/unit/imapd/login/session_test.cc - IMAP before login: a real Session on one end of a socket pair, with an auth and an
// imapd that the test plays.
#include "imapd/login/session.h"

#include <sys/socket.h>

#include "lib/event/scope.h"
#include "lib/ipc/channel.h"
#include "lib/sasl/auth_line.h"
#include "lib/text/text.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using event::Task;

namespace {

// Knows one password, and one word that means trouble.
Task<void> play_auth(event::Stream stream) {
    stream.write("VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tc00c1e\nDONE\n");
    for (;;) {
        std::optional<event::Line> line = co_await stream.read_line(20000);
        if (!line)
            co_return;
        std::vector<std::string> fields = sasl::split_fields(line->text);
        std::string said = text::decode_base64(sasl::find_parameter(fields, 3, "resp").value_or("")).value_or("");
        if (fields[0] == "CONT")
            said = text::decode_base64(fields[2]).value_or("") == "secret" ? std::string("\0alice\0secret", 13) : "wrong";
        if (fields[0] != "AUTH" && fields[0] != "CONT")
            continue;
        if (fields[0] == "AUTH" && fields[2] == "LOGIN")
            stream.write("CONT\t" + fields[1] + "\tUGFzc3dvcmQ6\n");
        else if (said == std::string("\0alice\0secret", 13))
            stream.write("OK\t" + fields[1] + "\tuser=alice@example.test\n");
        else if (said.find("trouble") != std::string::npos)
            stream.write("FAIL\t" + fields[1] + "\ttemp\n");
        else
            stream.write("FAIL\t" + fields[1] + "\n");
    }
}

// Takes every connection that is handed over, says who came, and closes it.
Task<void> play_imapd(event::Stream stream, bool accepts) {
    ipc::Channel channel(std::move(stream));
    for (;;) {
        std::optional<std::string_view> frame = co_await channel.next_frame();
        if (!frame)
            co_return;
        auto handover = ipc::decode<ipc::records::ImapHandover>(*frame);
        event::Fd client = channel.stream().take_fd();
        std::string words = "session of " + handover->user_name + " tag " + handover->tag + " cookie " +
                            handover->auth_cookie + " input [" + handover->input + "]\r\n";
        if (accepts && ::write(client.get(), words.data(), words.size()) < 0)
            co_return;
        ipc::records::ImapHandoverReply reply;
        reply.request_id = handover->request_id;
        reply.accepted = accepts;
        reply.reason = accepts ? "" : "Too many sessions, try again later";
        co_await channel.send(reply);
    }
}

struct Fixture {
    test::TemporaryFolder folder;
    event::Loop loop;
    login::Params params;
    bool imapd_accepts = true;

    Fixture() {
        config::MainCf cf;
        params.load(cf);
        params.auth_socket.set(folder.path("auth"));
        params.imap_socket.set(folder.path("imap"));
    }

    static Task<void> accept_auth(event::Loop& loop, event::Listener& listener) {
        for (;;) {
            event::Fd descriptor = co_await listener.accept();
            event::Stream stream(loop, std::move(descriptor));
            loop.spawn(play_auth(std::move(stream)));
        }
    }
    static Task<void> accept_imap(event::Loop& loop, event::Listener& listener, bool accepts) {
        for (;;) {
            event::Fd descriptor = co_await listener.accept();
            event::Stream stream(loop, std::move(descriptor));
            loop.spawn(play_imapd(std::move(stream), accepts));
        }
    }
    // Sends the parts, each after the server has said something more, and collects all that comes back.
    static Task<void> play_client(
        event::Stream stream, std::vector<std::string> parts, std::string& heard, event::Loop& loop) {
        try {
            for (const std::string& part : parts) {
                std::string_view some = co_await stream.read_some();
                heard += some;
                std::size_t size = some.size();
                stream.consume(size);
                stream.write(part);
                co_await stream.flush();
            }
            for (;;) {
                std::string_view some = co_await stream.read_some();
                if (some.empty())
                    break;
                heard += some;
                std::size_t size = some.size();
                stream.consume(size);
            }
        } catch (const event::StreamError&) {
            heard += "<reset>";
        }
        loop.stop();
    }

    std::string run(std::vector<std::string> parts) {
        event::Listener auth(loop, std::move(*event::listen_at_path(folder.path("auth"), 0600)));
        event::Listener imap(loop, std::move(*event::listen_at_path(folder.path("imap"), 0600)));
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        std::string heard;
        worker::Client seat;
        {
            login::Services services(loop, params);
            loop.spawn(accept_auth(loop, auth));
            loop.spawn(accept_imap(loop, imap, imapd_accepts));
            loop.spawn(login::serve_client(event::Stream(loop, event::Fd(ends[0])), seat, services));
            loop.spawn(play_client(event::Stream(loop, event::Fd(ends[1])), std::move(parts), heard, loop));
            loop.run();
        }
        loop.cancel_all();
        loop.run_until_idle();
        std::filesystem::remove(folder.path("auth"));
        std::filesystem::remove(folder.path("imap"));
        return heard;
    }
};

struct Row {
    const char* name;
    std::vector<std::string> parts;
    const char* want;  // a part of what comes back
    const char* unwanted = "<nothing>";
};

const Row kRows[] = {
    {"greeting names what is there", {"a LOGOUT\r\n"}, "SASL-IR AUTH=PLAIN AUTH=LOGIN] Malleposte ready."},
    {"login", {"a LOGIN alice secret\r\n"}, "session of alice tag a cookie c00c1e input []", "a OK"},
    {"login with what follows", {"a LOGIN alice \"secret\"\r\nb NOOP\r\n"}, "input [b NOOP\r\n]"},
    {"login with literals", {"a LOGIN {5}\r\n", "alice {6+}\r\nsecret\r\n"}, "session of alice"},
    {"initial response", {"a AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==\r\n"}, "session of alice@example.test tag a"},
    {"no initial response", {"a AUTHENTICATE LOGIN\r\n", "c2VjcmV0\r\n"}, "session of alice@example.test"},
    {"cancelled", {"a AUTHENTICATE LOGIN\r\n", "*\r\n", "b LOGOUT\r\n"}, "a BAD Authentication was cancelled."},
    {"no base64", {"a AUTHENTICATE PLAIN !!!!\r\n", "b LOGOUT\r\n"}, "a BAD"},
    {"unknown mechanism", {"a AUTHENTICATE XYZ\r\n", "b LOGOUT\r\n"}, "a NO [CANNOT]"},
    {"wrong password", {"a LOGIN alice wrong\r\n", "b LOGOUT\r\n"}, "a NO [AUTHENTICATIONFAILED]"},
    {"trouble is not a wrong password", {"a LOGIN alice trouble\r\n", "b LOGOUT\r\n"}, "a NO [UNAVAILABLE]"},
    {"TLS that is not there", {"a STARTTLS\r\n", "b LOGOUT\r\n"}, "a BAD TLS cannot be started."},
    {"other commands", {"a SELECT INBOX\r\n", "b LOGOUT\r\n"}, "a BAD"},
    {"NUL in a string", {std::string("a LOGIN \"a\0b\" \"c\"\r\n", 19), "b LOGOUT\r\n"}, "a BAD"},
    {"announced giant", {"a LOGIN {4294967295}\r\n", "b LOGOUT\r\n"}, "a NO [TOOBIG]"},
    {"unannounced giant ends it", {"a LOGIN {4294967295+}\r\nb LOGIN alice secret\r\n"}, "* BYE Literal too large.",
        "session"},
    {"overlong line ends it", {std::string(20000, 'x') + "\r\n"}, "* BYE Command too long."},
    {"odd tags are not echoed", {"a)b NOOP\r\n", "* NOOP\r\n", "c LOGOUT\r\n"}, "* BAD"},
    {"logout", {"a LOGOUT\r\nb LOGIN alice secret\r\n"}, "* BYE Logging out.\r\na OK", "session"},
    {"id", {"a ID (\"name\" \"x\")\r\n", "b LOGOUT\r\n"}, "* ID (\"name\" \"Malleposte\")"},
};

}  // namespace

TEST_CASE("IMAP before login", "[login]") {
    for (const Row& row : kRows) {
        DYNAMIC_SECTION(row.name) {
            Fixture fixture;
            std::string heard = fixture.run(row.parts);
            CAPTURE(heard);
            CHECK(heard.find(row.want) != std::string::npos);
            CHECK(heard.find(row.unwanted) == std::string::npos);
        }
    }
}

TEST_CASE("limits on attempts and commands", "[login]") {
    Fixture fixture;
    fixture.params.attempt_limit.set(2);
    std::string heard = fixture.run({"a LOGIN alice x\r\n", "b LOGIN alice y\r\n"});
    CHECK(heard.find("* BYE Too many failed logins.") != std::string::npos);
    Fixture other;
    other.params.command_limit.set(10);
    std::string flood;
    for (int i = 0; i < 50; ++i)
        flood += "a NOOP\r\n";
    heard = other.run({flood});
    CHECK(heard.find("* BYE Too many commands") != std::string::npos);
}

TEST_CASE("a hand-over that is refused is told to the client", "[login]") {
    Fixture fixture;
    fixture.imapd_accepts = false;
    std::string heard = fixture.run({"a LOGIN alice secret\r\n"});
    CHECK(heard.find("a NO [UNAVAILABLE] Too many sessions, try again later") != std::string::npos);
}
