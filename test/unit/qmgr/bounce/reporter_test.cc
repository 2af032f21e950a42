// test/unit/qmgr/bounce/reporter_test.cc - who is told when cleanup, which the test plays, refuses or the original cannot be
// read.
#include "qmgr/bounce/reporter.h"

#include <fcntl.h>

#include <filesystem>

#include "lib/event/endpoint.h"
#include "lib/ipc/channel.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using namespace ipc::records;
using event::Task;

namespace {

// A bounce service in a folder of its own.
class House {
  public:
    House() : before_{std::filesystem::current_path()} {
        std::filesystem::current_path(folder.path());
        std::filesystem::create_directory("public");
        folder.write("original", "Subject: x\r\n\r\n" + std::string(200'000, 'x') + "\r\n");
        config::MainCf cf = config::MainCf::load(folder.path());
        cf.set("myhostname", "mx.home.test");
        cf.set("notify_classes", "bounce, 2bounce, delay");
        cf.set("bounce_size_limit", "500000");
        REQUIRE(params.load(cf).empty());
        listener = std::make_unique<event::Listener>(loop, std::move(*event::listen_at_path("public/cleanup", 0600)));
        loop.spawn(accept(*this));
        reporter = std::make_unique<bounce::Reporter>(loop, params);
    }
    ~House() {
        loop.cancel_all();
        loop.run_until_idle();
        std::filesystem::current_path(before_);
    }

    std::string report(const std::string& sender, int how = O_RDONLY, bool lost = false) {
        BounceRequest request;
        request.queue_id = "ABC";
        request.mail.sender = sender;
        request.content.length = std::filesystem::file_size("original") + (lost ? 1000 : 0);
        request.recipients.resize(1);
        request.recipients[0].recipient.address = "bob@home.test";
        std::string refused = "?";
        auto ask = [](House& house, BounceRequest what, event::Fd file, std::string& out) -> Task<void> {
            out = co_await house.reporter->report(std::move(what), std::move(file));
            house.loop.stop();
        };
        loop.spawn(ask(*this, std::move(request), event::Fd(::open("original", how | O_CLOEXEC)), refused));
        loop.run();
        return refused;
    }

    static Task<void> accept(House& house) {
        for (;;) {
            event::Fd client = co_await house.listener->accept();
            house.loop.spawn(serve(std::move(client), house));
        }
    }
    static Task<void> serve(event::Fd client, House& house) {
        ipc::Channel channel(event::Stream(house.loop, std::move(client)));
        channel.write(CleanupReady{});
        co_await channel.stream().flush();
        std::string recipient;
        for (;;) {
            std::optional<std::string_view> frame = co_await channel.next_frame();
            if (!frame)
                co_return;
            if (auto open = ipc::decode<CleanupOpen>(*frame))
                recipient = open->recipients.front().address;
            if (!ipc::decode<CleanupEnd>(*frame))
                continue;
            CleanupReply reply;
            const bool refused = recipient.starts_with(house.refused);
            reply.code = refused ? 451 : 250;
            reply.reason = "as the test wants it";
            if (!refused)
                house.told.push_back(recipient);
            channel.write(reply);
            co_await channel.stream().flush();
        }
    }

    test::TemporaryFolder folder;
    event::Loop loop;
    bounce::Params params;
    std::unique_ptr<event::Listener> listener;
    std::unique_ptr<bounce::Reporter> reporter;
    std::string refused = "nobody";
    std::vector<std::string> told;

  private:
    std::filesystem::path before_;
};

}  // namespace

TEST_CASE("the sender is told once, whatever becomes of the postmaster's copy", "[bounce]") {
    House house;
    house.refused = "postmaster";
    CHECK(house.report("alice@home.test").empty());
    CHECK(house.told == std::vector<std::string>{"alice@home.test"});
}

TEST_CASE("where the postmaster is the only one to be told, a refusal is one", "[bounce]") {
    House house;
    house.refused = "postmaster";
    CHECK_FALSE(house.report("").empty());
    house.refused = "nobody";
    CHECK(house.report("").empty());
    CHECK(house.told.size() == 1);
}

TEST_CASE("a report whose original cannot be read is not sent", "[bounce]") {
    House house;
    CHECK_FALSE(house.report("alice@home.test", O_WRONLY).empty());  // EBADF
    CHECK_FALSE(house.report("alice@home.test", O_RDONLY, true).empty());
    CHECK(house.told.empty());
    CHECK(house.report("alice@home.test").empty());
    CHECK(house.told.size() == 2);
}
