// test/unit/master/supervisor/supervisor_test.cc - services started, reloaded, stopped: a real Supervisor, and workers that
// are shell scripts which note what master tells them.
#include "master/supervisor.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "lib/event/endpoint.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

// A worker: says what its name says, and notes its command line and each octet that master sends.
constexpr const char* kWorker = R"(#!/bin/sh
log=$MAIL_CONFIG/../log
echo "start $*" >>$log
case $0 in
*/dies) exit 1 ;;
*/busy) printf B >&3 ;;
*/silent) ;;
*) printf A >&3 ;;
esac
while octet=$(head -c1 <&3) && [ -n "$octet" ]; do
    echo "told $octet" >>$log
    case $octet$0 in
    [DS]*/stubborn) ;;
    [DS]*) exit 0 ;;
    esac
done
exec sleep 100
)";

struct Fixture {
    test::TemporaryFolder folder;
    event::Loop loop;
    config::MainCf cf;
    master::Params params;
    std::optional<master::Supervisor> supervisor;
    std::vector<event::Fd> clients;
    std::string before = fs::current_path();

    Fixture() {
        fs::create_directories(folder.path("etc"));
        fs::create_directories(folder.path("libexec"));
        for (const char* name : {"worker", "busy", "silent", "dies", "stubborn"}) {
            folder.write(std::string("libexec/") + name, kWorker);
            REQUIRE(::chmod(folder.path(std::string("libexec/") + name).c_str(), 0755) == 0);
        }
        folder.write("log", "");
        write_main_cf("libexec");
        cf = config::MainCf::load(folder.path("etc"));
        params.load(cf);
        fs::create_directories(folder.path("spool/private"));
        fs::current_path(folder.path("spool"));
        supervisor.emplace(loop, folder.path("etc"));
        loop.on_signal(SIGCHLD, [this] { supervisor->reap(); });
    }
    ~Fixture() {
        supervisor->abort();
        if (supervisor->processes() > 0)
            loop.run();
        loop.cancel_all();  // the patience of a stop, too
        loop.run_until_idle();
        supervisor.reset();
        fs::current_path(before);
    }

    void write_main_cf(const std::string& programs) {
        // Users that every system has: those of an installation need not be there yet.
        const bool root = ::geteuid() == 0;
        const std::string user = root ? "daemon" : ::getpwuid(::geteuid())->pw_name;
        const std::string group = ::getgrgid(::getegid())->gr_name;
        folder.write("etc/main.cf", "queue_directory = " + folder.path("spool") + "\ndata_directory = " +
                                        folder.path("data") + "\ndaemon_directory = " + folder.path(programs) +
                                        "\nmail_owner = " + user + "\nnetwork_owner = nobody\nsecrets_owner = bin" +
                                        "\nsetgid_group = " + group + "\nservice_throttle_time = 1s\n");
    }
    void write_master_cf(const std::string& rows) { folder.write("etc/master.cf", rows); }

    void start(const std::string& rows) {
        write_master_cf(rows);
        auto started = supervisor->start(params, cf);
        INFO((started ? std::string() : started.error()));
        REQUIRE(started);
    }

    // Each call is one more client that knocks.
    void knock(const std::string& name = "private/one") {
        event::Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const event::SocketAddress address = event::unix_address(name);
        REQUIRE(::connect(client.get(), address.get(), address.length) == 0);
        clients.push_back(std::move(client));
    }

    std::string log() const {
        std::ifstream file(folder.path("log"));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    int starts() const {
        const std::string all = log();
        int count = 0;
        for (std::size_t at = 0; (at = all.find("start ", at)) != std::string::npos; ++at)
            ++count;
        return count;
    }

    static event::Task<void> look(event::Loop& loop, std::function<bool()> condition, std::chrono::milliseconds most) {
        const auto until = event::Clock::now() + most;
        while (!condition() && event::Clock::now() < until)
            co_await event::sleep_for(loop, 2ms);
        loop.stop();
    }
    // Runs until the condition holds; false where it does not come to that.
    bool becomes(std::function<bool()> condition, std::chrono::milliseconds most = 20000ms) {
        if (condition())
            return true;
        loop.spawn(look(loop, condition, most));
        loop.run();
        return condition();
    }
    bool logged(const std::string& words) {
        return becomes([this, words] { return log().find(words) != std::string::npos; });
    }
};

constexpr const char* kOne = "one unix - n n - 2 ";

}  // namespace

TEST_CASE("a process is started when a client knocks, and one is enough while it takes clients", "[master]") {
    Fixture f;
    f.start(std::string(kOne) + "worker -o a=b word\n");
    CHECK(f.supervisor->processes() == 0);
    f.knock();
    REQUIRE(f.logged("start -c " + f.folder.path("etc") + " -n one -t unix -s 1 -o a=b word\n"));
    REQUIRE(f.becomes([&] { return f.supervisor->status().services[0].pids.size() == 1; }));
    f.knock();
    // As long as a started process takes: another one would be there by then.
    CHECK_FALSE(f.becomes([&] { return f.starts() > 1; }, 200ms));
}

TEST_CASE("busy processes get company up to the limit", "[master]") {
    Fixture f;
    f.start(std::string(kOne) + "busy\n");
    f.knock();
    REQUIRE(f.becomes([&] { return f.starts() == 2; }));
    CHECK_FALSE(f.becomes([&] { return f.starts() > 2; }, 200ms));
    CHECK(f.supervisor->status().services[0].limit == 2);
}

TEST_CASE("a process that dies at once is started again slowly", "[master]") {
    Fixture f;
    f.start(std::string(kOne) + "dies\n");
    f.knock();
    REQUIRE(f.becomes([&] { return f.supervisor->status().services[0].throttled; }));
    CHECK(f.starts() == 1);
    REQUIRE(f.becomes([&] { return f.starts() == 2; }));  // after service_throttle_time
}

TEST_CASE("the timer wakes a service that nobody asks", "[master]") {
    Fixture f;
    f.start("one unix - n n 1 1 worker\n");
    REQUIRE(f.logged("told W"));
    CHECK(f.starts() == 1);
}

TEST_CASE("a reload keeps the sockets and replaces the processes", "[master]") {
    Fixture f;
    f.start(std::string(kOne) + "worker\n");
    f.knock();
    REQUIRE(f.becomes([&] { return f.starts() == 1 && f.supervisor->processes() == 1; }));
    f.knock();  // waits in the socket's queue, over the reload
    f.write_master_cf(std::string(kOne) + "worker new\ntwo unix - n n - 1 worker\n");
    f.supervisor->reload();
    REQUIRE(f.logged("told D"));
    REQUIRE(f.logged("-n one -t unix -s 1 new\n"));
    f.knock("private/two");
    REQUIRE(f.logged("-n two"));
    CHECK(f.supervisor->status().reloads == 1);
}

TEST_CASE("a configuration that cannot be used changes nothing, however often", "[master]") {
    const char* kRows = "one unix - n n - 2 worker old\n";
    Fixture f;
    f.start(kRows);
    const auto pids = [&] { return f.supervisor->status().services[0].pids; };
    f.knock();
    REQUIRE(f.becomes([&] { return f.starts() == 1 && pids().size() == 1; }));
    const auto first = pids();
    struct Case {
        const char* name;
        const char* programs;
        const char* rows;
    };
    const Case cases[] = {
        {"a daemon_directory that is not there", "nowhere", kRows},
        {"a program that is not there", "libexec", "one unix - n n - 2 gone\ntwo unix - n n - 1 worker\n"},
        {"an address that cannot be had", "libexec", "one unix - n n - 2 worker\n192.0.2.1:10025 inet n n n - 1 worker\n"},
        {"a line that is none", "libexec", "one unix - n n - 2 worker\ntwo flying - - - - - worker\n"},
        {"no service at all", "libexec", "# nothing\n"},
    };
    for (const Case& one : cases) {
        INFO(one.name);
        f.write_main_cf(one.programs);
        f.write_master_cf(one.rows);
        f.supervisor->reload();
        f.supervisor->reload();
        CHECK(f.supervisor->status().reloads == 0);
        CHECK(pids() == first);
    }
    CHECK(f.log().find("told") == std::string::npos);
    // What is started now still has the settings of before.
    ::kill(static_cast<pid_t>(first[0]), SIGKILL);
    f.knock();
    REQUIRE(f.becomes([&] { return f.starts() == 2; }));
    CHECK(f.log().rfind("start") == f.log().rfind("start -c " + f.folder.path("etc") + " -n one -t unix -s 1 old"));
}

TEST_CASE("rows of a stock master.cf that need no process here", "[master]") {
    Fixture f;
    f.start(std::string(kOne) + "worker\ntlsmgr unix - - y 1000? 1 tlsmgr\nanvil unix - - y - 1 anvil\n");
    CHECK(f.supervisor->status().services.size() == 1);
}

TEST_CASE("a stop tells everybody, those of before a reload too, and ends with the last", "[master]") {
    Fixture f;
    f.start(std::string(kOne) + "stubborn\n");
    f.knock();
    REQUIRE(f.becomes([&] { return f.starts() == 1; }));
    f.write_master_cf(std::string(kOne) + "worker\n");
    f.supervisor->reload();
    REQUIRE(f.logged("told D"));
    f.supervisor->stop();
    REQUIRE(f.logged("told S"));
    CHECK(f.supervisor->stopping());
    CHECK(f.supervisor->processes() >= 1);  // it does not end by itself
    f.supervisor->abort();
    CHECK(f.becomes([&] { return f.supervisor->processes() == 0; }));
}
