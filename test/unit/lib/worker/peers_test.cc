// lib/worker/peers.h: the table, and who is let in by it.
#include "lib/worker/peers.h"

#include <pwd.h>
#include <unistd.h>

#include "lib/text/text.h"
#include "test/support/catch.h"

namespace {

config::HostParams& params_of(config::HostParams& params, const char* others = "") {
    config::MainCf cf = config::MainCf::load("/nowhere");
    cf.set("mail_owner", "daemon");
    cf.set("network_owner", "nobody");
    cf.set("secrets_owner", "bin");
    cf.set("authorized_peer_users", others);
    params.load(cf);
    return params;
}

uid_t uid_of(const char* name) { return ::getpwnam(name)->pw_uid; }

}  // namespace

TEST_CASE("everybody in the table who may ask is in it himself", "[peers]") {
    for (const worker::ProgramRow& row : worker::kPrograms)
        for (std::string_view name : text::split(row.asked_by, " "))
            CHECK((name == "*" || worker::find_program(name) != nullptr));
    // What talks to strangers asks neither for keys nor for users, and hands nothing to the queue manager.
    for (const char* thief : {"smtpd", "login", "lmtpd", "lmtp", "smtp"})
        for (const char* asked : {"signer", "auth-master", "qmgr", "bounce", "sieve-delivery"})
            CHECK_FALSE(worker::may_ask(thief, *worker::find_program(asked)));
}

TEST_CASE("who is let in", "[peers]") {
    config::HostParams params;
    params_of(params);
    const auto cleanup = worker::Peers::of("cleanup", params);
    const auto signer = worker::Peers::of("signer", params);
    REQUIRE((cleanup && signer));
    if (::geteuid() != 0) {
        CHECK(signer->allow(12345));  // there is but one user
        return;
    }
    CHECK(cleanup->allow(0));
    CHECK(cleanup->allow(uid_of("nobody")));  // smtpd
    CHECK(cleanup->allow(uid_of("daemon")));  // pickup, bounce
    CHECK_FALSE(cleanup->allow(uid_of("bin")));
    CHECK(signer->allow(uid_of("daemon")));
    CHECK_FALSE(signer->allow(uid_of("nobody")));
    CHECK_FALSE(worker::Peers::of("sieve-delivery", params)->allow(uid_of("daemon")));
    CHECK(worker::Peers::of("qmgr", params)->allow(12345));
    CHECK(worker::Peers::of("a-stranger's-agent", params)->allow(uid_of("daemon")));
    CHECK_FALSE(worker::Peers::of("a-stranger's-agent", params)->allow(uid_of("nobody")));
}

TEST_CASE("other software is let in by name", "[peers]") {
    if (::geteuid() != 0)
        return;
    config::HostParams params;
    params_of(params, "games");
    CHECK(worker::Peers::of("auth", params)->allow(uid_of("games")));
    config::HostParams wrong;
    params_of(wrong, "no-such-user-here");
    CHECK_FALSE(worker::Peers::of("auth", wrong));
}
