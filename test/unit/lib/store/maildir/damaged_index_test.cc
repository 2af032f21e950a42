// test/unit/lib/store/maildir/damaged_index_test.cc - an index that was cut costs one process at
// most.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/event/fd.h"
#include "test/unit/lib/store/fixture.h"

using store_test::Fixture;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kMessages = 300;
constexpr int kFewer = 3;

// How a process ends that opens the mailbox, lists it and delivers into it.
int outcome(const store::AccountSettings& settings, std::uint32_t at_least) {
    const pid_t child = fork();
    if (child == 0) {
        const rlimit no_core{0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        event::Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        dup2(nowhere.get(), STDERR_FILENO);
        auto account = store::open_account(settings);
        if (!account)
            _exit(1);
        auto mailbox = (*account)->open("INBOX");
        if (!mailbox || !(*mailbox)->refresh())
            _exit(2);
        auto messages = (*mailbox)->messages();
        if (!messages || messages->size() < at_least)
            _exit(kFewer);
        auto delivery = (*mailbox)->deliver();
        if (!delivery || !(*delivery)->write("Subject: y\r\n\r\n") || !(*delivery)->commit({}))
            _exit(4);
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool use(const store::AccountSettings& settings, std::uint32_t at_least) { return outcome(settings, at_least) == 0; }

struct Full : Fixture {
    Full() {
        for (std::uint32_t i = 0; i < kMessages; ++i)
            put_file("new/" + std::to_string(1'700'000'000 + i) + ".M1P1.host", "Subject: x\r\n\r\n");
        auto inbox = mailbox();
        REQUIRE(uids(*inbox).size() == kMessages);
        inbox.reset();
        account.reset();
    }
    std::string index() const { return path("malleposte.index/data.mdb"); }

    void check_heals() {
        use(settings, kMessages);  // may die
        CHECK(use(settings, kMessages));
        CHECK(use(settings, kMessages + 1));
        CHECK(fs::exists(index()));
    }
};

}  // namespace

// What ASan finds ends the process as a fault does.
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }  // NOLINT: its name

TEST_CASE("an index that was cut heals, and kills nobody", "[store]") {
    for (const double part : {0.0, 0.1, 0.3, 0.5, 0.9}) {
        Full f;
        fs::resize_file(f.index(), static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(f.index())) * part));
        CHECK(use(f.settings, kMessages));
        f.check_heals();
    }
}

TEST_CASE("an index that is cut while it is open costs one process", "[store]") {
    Full f;
    const pid_t child = fork();
    if (child == 0) {
        auto account = store::open_account(f.settings);
        auto mailbox = (*account)->open("INBOX");
        static_cast<void>((*mailbox)->refresh());
        event::Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
        dup2(nowhere.get(), STDERR_FILENO);
        fs::resize_file(f.index(), 8192);
        static_cast<void>((*mailbox)->messages());
        static_cast<void>((*mailbox)->refresh());
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    f.check_heals();
}
