// test/unit/lib/userdb/auth_master_test.cc - the client of the auth master protocol, against a scripted server.
#include "lib/userdb/auth_master.h"

#include <vector>

#include "lib/event/endpoint.h"
#include "lib/event/stream.h"
#include "lib/sasl/auth_line.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using event::Task;
using userdb::Found;
using userdb::User;

namespace {

// Answers by the name asked for; notes every line.
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
        stream.write("VERSION\t" + server.version + "\t2\nSPID\t1\n");
        for (;;) {
            std::optional<event::Line> line = co_await stream.read_line(10000);
            if (!line)
                co_return;
            server.lines.push_back(std::string(line->text));
            const std::vector<std::string> fields = sasl::split_fields(line->text);
            if (fields[0] == "VERSION")
                continue;
            if (fields[0] == "REQUEST")
                stream.write("USER\t" + fields[1] + "\tbob\tuid=7\tgid=8\n");
            else if (fields[2] == "alice")
                stream.write("USER\t" + fields[1] + "\talice@example.test\tuid=1000\tgid=100\thome=/h\tmail=maildir:~/M\n");
            else if (fields[2] == "nobody")
                stream.write("NOTFOUND\t" + fields[1] + "\n");
            else if (fields[2] == "drop" && server.connections == 1)
                co_return;
            else
                stream.write("USER\t" + fields[1] + "\t" + fields[2] + "\tuid=odd\n");
        }
    }

    event::Loop& loop;
    event::Listener listener;
    std::string version = "1";
    int connections = 0;
    std::vector<std::string> lines;
};

Task<void> find(userdb::AuthMaster& auth, std::string name, std::vector<Found>& found, event::Loop& loop, std::size_t all) {
    Found answer = co_await auth.find(std::move(name));
    found.push_back(std::move(answer));
    if (found.size() == all)
        loop.stop();
}

Task<void> find_login(
    userdb::AuthMaster& auth, std::string cookie, std::expected<User, std::string>& user, event::Loop& loop) {
    user = co_await auth.find_login(12, 34, std::move(cookie));
    loop.stop();
}

struct Fixture {
    test::TemporaryFolder folder;
    event::Loop loop;
    Server server{loop, folder.path("auth")};

    Fixture() { loop.spawn(server.run()); }
    ~Fixture() {
        loop.cancel_all();
        loop.run_until_idle();
    }

    // Asks for each name after the other.
    std::vector<Found> ask(std::initializer_list<const char*> names) {
        userdb::AuthMaster auth(loop, folder.path("auth"), "lmtp");
        std::vector<Found> found;
        for (const char* name : names) {
            const std::size_t asked = found.size() + 1;
            loop.spawn(find(auth, name, found, loop, asked));
            if (found.size() < asked)  // an answer from memory is there already
                loop.run();
        }
        return found;
    }
};

}  // namespace

TEST_CASE("who a name is", "[userdb]") {
    Fixture auth;
    const std::vector<Found> found = auth.ask({"alice", "nobody", "alice", "strange"});
    User alice;
    alice.name = "alice@example.test";
    alice.uid = 1000;
    alice.gid = 100;
    alice.home = "/h";
    alice.mail = "maildir:~/M";
    CHECK(found[0] == Found(alice));
    CHECK(found[1] == Found(std::nullopt));
    CHECK(found[2] == Found(alice));
    // What makes no sense is no "no such user".
    REQUIRE_FALSE(found[3]);
    CHECK(found[3].error().find("uid=odd") != std::string::npos);
    // The second question about alice was answered from memory.
    CHECK(auth.server.lines == std::vector<std::string>{"VERSION\t1\t1", "USER\t1\talice\tservice=lmtp",
                                   "USER\t2\tnobody\tservice=lmtp", "USER\t3\tstrange\tservice=lmtp"});
}

TEST_CASE("a question that was lost on its way is asked again", "[userdb]") {
    Fixture auth;
    const std::vector<Found> found = auth.ask({"drop"});
    CHECK(auth.server.connections == 2);
    CHECK_FALSE(found[0]);
}

TEST_CASE("whose login it was", "[userdb]") {
    Fixture auth;
    userdb::AuthMaster master(auth.loop, auth.folder.path("auth"), "session");
    std::expected<User, std::string> user;
    auth.loop.spawn(find_login(master, "c00c1e", user, auth.loop));
    auth.loop.run();
    REQUIRE(user);
    CHECK(user->name == "bob");
    CHECK(auth.server.lines.back() == "REQUEST\t1\t12\t34\tc00c1e");

    const std::size_t said = auth.server.lines.size();
    auth.loop.spawn(find_login(master, "c\n1", user, auth.loop));  // refused at once
    CHECK_FALSE(user);
    CHECK(auth.server.lines.size() == said);
}

TEST_CASE("another version of the protocol", "[userdb]") {
    Fixture auth;
    auth.server.version = "2";
    const std::vector<Found> found = auth.ask({"drop"});
    REQUIRE_FALSE(found[0]);
    CHECK(found[0].error().find("another version") != std::string::npos);
}

TEST_CASE("answers of the auth master protocol", "[userdb]") {
    CHECK(userdb::parse_answer("NOTFOUND\t1") == Found(std::nullopt));
    CHECK(userdb::parse_answer("USER\t1\ta\001tb\tx\t").value()->name == "a\tb");
    CHECK_FALSE(userdb::parse_answer("USER\t1"));
    CHECK_FALSE(userdb::parse_answer("USER\t1\talice\tuid=-1"));
    CHECK_FALSE(userdb::parse_answer("USER\t1\talice\tgid=4294967296"));
    CHECK_FALSE(userdb::parse_answer("USER\t1\talice\tuid=4294967296"));
    CHECK_FALSE(userdb::parse_answer("USER\t1\talice\tuid=4294967295"));  // "as it is": root's, where root asks
    CHECK(userdb::parse_answer("USER\t1\talice\tuid=4294967294").has_value());
    CHECK_FALSE(userdb::parse_answer("USER\t1\talice\tuid="));
    const Found failed = userdb::parse_answer("FAIL\t1\treason=disk\001tfull");
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == "auth cannot look the user up: disk\tfull");
}
