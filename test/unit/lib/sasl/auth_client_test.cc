// test/unit/lib/sasl/auth_client_test.cc - the client of the auth protocol, against a scripted server.
#include "lib/sasl/auth_client.h"

#include <map>

#include "lib/event/scope.h"
#include "lib/sasl/auth_line.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using event::Task;
using sasl::Step;

namespace {

constexpr const char* kGreeting =
    "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t7\nCUID\t1\nCOOKIE\tabcd\nDONE\n";

// Answers by the mechanism's name, so that one connection shows every kind of answer.
struct Server {
    Server(event::Loop& the_loop, const std::string& path)
        : loop(the_loop), listener(loop, std::move(*event::listen_at_path(path, 0600))) {}

    Task<void> run() {
        for (;;) {
            event::Fd descriptor = co_await listener.accept();
            ++connections;
            event::Stream stream(loop, std::move(descriptor));
            loop.spawn(serve(std::move(stream), *this));
        }
    }

    static Task<void> serve(event::Stream stream, Server& server) {
        stream.write(kGreeting);
        for (;;) {
            std::optional<event::Line> line = co_await stream.read_line(10000);
            if (!line)
                co_return;
            std::vector<std::string> fields = sasl::split_fields(line->text);
            server.lines.push_back(std::string(line->text));
            if (fields[0] == "CONT")
                stream.write("OK\t" + fields[1] + "\tuser=told-" + fields[2] + "\n");
            if (fields[0] != "AUTH")
                continue;
            if (fields[2] == "YES")
                stream.write("OK\t" + fields[1] + "\tuser=alice\tother=1\n");
            else if (fields[2] == "NO")
                stream.write("FAIL\t" + fields[1] + "\tuser=alice\treason=not\1tyou\n");
            else if (fields[2] == "LATER")
                stream.write("FAIL\t" + fields[1] + "\ttemp\n");
            else if (fields[2] == "ASK")
                stream.write("CONT\t" + fields[1] + "\tVXNlcm5hbWU6\n");
            else if (fields[2] == "SWAP")
                server.swapped.push_back(fields[1]);
            else if (fields[2] == "DROP" && server.connections < 2)
                co_return;
            else if (fields[2] == "DROP")
                stream.write("OK\t" + fields[1] + "\tuser=second\n");
            if (server.swapped.size() == 2) {
                // The second question is answered first.
                stream.write("OK\t" + server.swapped[1] + "\tuser=two\nOK\t" + server.swapped[0] + "\tuser=one\n");
                server.swapped.clear();
            }
        }
    }

    event::Loop& loop;
    event::Listener listener;
    int connections = 0;
    std::vector<std::string> lines;
    std::vector<std::string> swapped;
};

Task<void> ask(sasl::AuthClient& client, std::string mechanism, std::map<std::string, Step>& steps, std::string as) {
    sasl::ClientInfo info;
    info.service = "imap";
    info.remote_address = "192.0.2.1";
    info.secured = true;
    std::optional<std::string> response("x");
    Step step = co_await client.begin(info, mechanism, response);
    steps[as] = step;
    if (step.kind == Step::Kind::more) {
        Step next = co_await client.respond(step.id, "y");
        steps[as + "2"] = next;
    }
}

Task<void> ask_everything(sasl::AuthClient& client, event::Loop& loop, std::map<std::string, Step>& steps,
    std::vector<sasl::Mechanism>& mechanisms) {
    mechanisms = co_await client.mechanisms();
    co_await ask(client, "YES", steps, "yes");
    co_await ask(client, "NO", steps, "no");
    co_await ask(client, "LATER", steps, "later");
    co_await ask(client, "ASK", steps, "ask");
    event::Scope scope(loop);
    scope.spawn(ask(client, "SWAP", steps, "first"));
    scope.spawn(ask(client, "SWAP", steps, "second"));
    co_await scope.close();
    co_await ask(client, "DROP", steps, "drop");
    loop.stop();
}

Task<void> ask_once(sasl::AuthClient& client, event::Loop& loop, std::map<std::string, Step>& steps) {
    co_await ask(client, "YES", steps, "yes");
    loop.stop();
}

}  // namespace

TEST_CASE("questions and answers over one connection", "[sasl]") {
    test::TemporaryFolder folder;
    event::Loop loop;
    Server server(loop, folder.path("auth"));
    std::map<std::string, Step> steps;
    std::vector<sasl::Mechanism> mechanisms;
    {
        sasl::AuthClient client(loop, folder.path("auth"));
        loop.spawn(server.run());
        loop.spawn(ask_everything(client, loop, steps, mechanisms));
        loop.run();
        CHECK(client.cookie() == "abcd");
    }
    REQUIRE(mechanisms.size() == 2);
    CHECK(mechanisms[0].name == "PLAIN");
    CHECK(mechanisms[0].plaintext);
    CHECK(steps["yes"].kind == Step::Kind::ok);
    CHECK(steps["yes"].user == "alice");
    CHECK(steps["no"].kind == Step::Kind::failed);
    CHECK(steps["no"].text == "not\tyou");
    CHECK(steps["no"].user == "alice");
    CHECK(steps["later"].kind == Step::Kind::trouble);
    CHECK(steps["ask"].kind == Step::Kind::more);
    CHECK(steps["ask"].text == "Username:");
    CHECK(steps["ask2"].user == "told-eQ==");
    CHECK(steps["first"].user == "one");
    CHECK(steps["second"].user == "two");
    CHECK(steps["drop"].user == "second");  // asked again over a new connection
    CHECK(server.lines[2].starts_with("AUTH\t1\tYES\tservice=imap\trip=192.0.2.1\tsecured\tresp=eA=="));
    loop.cancel_all();
    loop.run_until_idle();
}

TEST_CASE("no auth service: trouble with a reason", "[sasl]") {
    test::TemporaryFolder folder;
    event::Loop loop;
    std::map<std::string, Step> steps;
    {
        sasl::AuthClient client(loop, folder.path("nobody"));
        loop.spawn(ask_once(client, loop, steps));
        loop.run();
    }
    loop.cancel_all();
    loop.run_until_idle();
    CHECK(steps["yes"].kind == Step::Kind::trouble);
    CHECK(steps["yes"].text.find("nobody") != std::string::npos);
}

TEST_CASE("fields of the protocol", "[sasl]") {
    std::string odd("a\tb\nc\rd\1e\0f", 11);
    CHECK(sasl::unescape_field(sasl::escape_field(odd)) == odd);
    CHECK(sasl::split_fields("OK\t1\tuser=a\1tb") == std::vector<std::string>{"OK", "1", "user=a\tb"});
    CHECK(sasl::split_fields("").size() == 1);
    CHECK(sasl::find_parameter({"OK", "1", "username=x", "user=y", "temp"}, 2, "user") == "y");
    CHECK(sasl::find_parameter({"OK", "1", "temp"}, 2, "temp") == "");
    CHECK_FALSE(sasl::find_parameter({"user=y"}, 1, "user"));
}
