// Talking to a service: kept connections that went stale, callers that are cancelled, several who wait, time limits.
#include <filesystem>
#include <string>
#include <vector>

#include "lib/event/endpoint.h"
#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/ipc/service_client.h"
#include "lib/ipc/service_pool.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

using namespace std::chrono_literals;
using event::Fd;
using event::Loop;
using event::StreamError;
using event::Task;

namespace {

struct Echo {
    std::uint64_t request_id = 0;
    std::string words;
    static constexpr std::string_view kRecord = "echo/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("request_id", &Echo::request_id), ipc::field("words", &Echo::words)};
    }
};

// Answers each Echo with itself. `silent` words get no answer, "close" ends the connection without one, "unread" closes it
// without reading what follows, "nonsense" is answered with another record, and "later" with what comes after it first.
class EchoService {
  public:
    EchoService(Loop& loop, const std::string& path) : loop_(loop), path_(path) { open(); }
    ~EchoService() { close(); }

    void open() {
        auto descriptor = event::listen_at_path(path_, 0600);
        REQUIRE(descriptor);
        listener_ = std::make_unique<event::Listener>(loop_, std::move(*descriptor));
        loop_.spawn(accept(), &accepting_, [this] { accepting_ = nullptr; });
    }
    void close() {
        if (accepting_ != nullptr)
            accepting_->cancel();
        std::filesystem::remove(path_);
    }
    // As a service does that was idle for too long.
    void close_connections() {
        for (auto& channel : channels_)
            channel->stream().close();
        channels_.clear();
    }

    int connections = 0;
    std::vector<std::string> heard;
    std::size_t descriptors = 0;

  private:
    Task<void> accept() {
        try {
            for (;;) {
                Fd client = co_await listener_->accept();
                ++connections;
                auto channel = std::make_shared<ipc::Channel>(event::Stream(loop_, std::move(client)));
                channels_.push_back(channel);
                loop_.spawn(serve(channel));
            }
        } catch (const StreamError&) {
        }
        listener_.reset();
    }
    Task<void> serve(std::shared_ptr<ipc::Channel> channel) {
        std::optional<Echo> later;
        try {
            for (;;) {
                std::expected<Echo, std::string> echo = co_await channel->receive<Echo>();
                if (!echo)
                    break;
                heard.push_back(echo->words);
                if (channel->stream().take_fd())
                    ++descriptors;
                if (echo->words == "close" || echo->words == "close once")
                    break;
                if (echo->words == "silent")
                    continue;
                if (echo->words == "later") {
                    later = *echo;
                    continue;
                }
                if (echo->words == "nonsense")
                    channel->stream().write(std::string("\0\0\0\5\0\0\0\1x", 9));
                co_await channel->send(*echo);
                if (later)
                    co_await channel->send(*later);
                later.reset();
            }
        } catch (const StreamError&) {
        }
        channel->stream().close();
        std::erase(channels_, channel);
    }

    Loop& loop_;
    std::string path_;
    std::unique_ptr<event::Listener> listener_;
    event::Context* accepting_ = nullptr;
    std::vector<std::shared_ptr<ipc::Channel>> channels_;
};

struct Fixture {
    test::TemporaryFolder folder;
    Loop loop;
    std::string path = folder.path() + "/service";
    std::unique_ptr<EchoService> service = std::make_unique<EchoService>(loop, path);
    ipc::ServiceSettings settings{path};

    // Runs the task, and the loop until it is over; the service stays.
    void run(Task<void> task) {
        bool over = false;
        event::Context* context = nullptr;
        loop.spawn(std::move(task), &context, [this, &over] {
            over = true;
            loop.stop();
        });
        if (!over)
            loop.run();
    }
    ~Fixture() {
        service->close();
        loop.cancel_all();
        loop.run_until_idle();
    }
};

using Client = ipc::RecordClient<Echo, Echo>;

Task<void> ask(Client& client, std::string words, std::string& answer) {
    Echo request;
    request.words = std::move(words);
    std::expected<Echo, std::string> echo = co_await client.ask(std::move(request));
    answer = echo ? echo->words : "failed: " + echo.error();
}

Task<void> ask_with_descriptor(Client& client, std::string& answer) {
    Echo request;
    request.words = "with descriptor";
    Fd descriptor(::dup(0));
    std::expected<Echo, std::string> echo = co_await client.ask(std::move(request), std::move(descriptor));
    answer = echo ? echo->words : "failed: " + echo.error();
}

// Ends once all of the answers are there.
Task<void> until_answered(Loop& loop, std::vector<std::string>& answers) {
    while (std::ranges::count(answers, "") != 0)
        co_await event::sleep_for(loop, 1ms);
}

}  // namespace

TEST_CASE("several questions are under way at once, and each gets its own answer", "[ipc][service]") {
    Fixture f;
    Client client(f.loop, f.settings);
    std::vector<std::string> answers(3);
    f.loop.spawn(ask(client, "later", answers[0]));
    f.loop.spawn(ask(client, "two", answers[1]));
    f.loop.spawn(ask(client, "three", answers[2]));
    f.run(until_answered(f.loop, answers));
    CHECK(answers == std::vector<std::string>{"later", "two", "three"});
    CHECK(f.service->connections == 1);
}

TEST_CASE("a kept connection that the service has closed is noticed before anything is said on it", "[ipc][service]") {
    Fixture f;
    Client client(f.loop, f.settings);
    std::string first, second, third;
    f.run(ask(client, "one", first));
    f.service->close_connections();
    // With a descriptor nothing can be said twice: this works only where the end is noticed before.
    f.run(ask_with_descriptor(client, second));
    f.run(ask(client, "three", third));
    CHECK(first == "one");
    CHECK(second == "with descriptor");
    CHECK(third == "three");
    CHECK(f.service->connections == 2);
    CHECK(f.service->descriptors == 1);
}

TEST_CASE("what was lost on its way is a failure, and asked once more only where that does no harm", "[ipc][service]") {
    Fixture f;
    std::string answer;
    SECTION("not repeatable") {
        Client client(f.loop, f.settings);
        f.run(ask(client, "close", answer));
        CHECK(answer == "failed: " + f.path + ": the service closed the connection");
        CHECK(f.service->heard == std::vector<std::string>{"close"});
    }
    SECTION("repeatable") {
        f.settings.repeatable = true;
        Client client(f.loop, f.settings);
        f.run(ask(client, "close", answer));
        CHECK(answer.starts_with("failed: "));
        CHECK(f.service->heard == std::vector<std::string>{"close", "close"});
    }
}

TEST_CASE("a caller that is cancelled harms no other", "[ipc][service]") {
    Fixture f;
    Client client(f.loop, f.settings);
    std::vector<std::string> answers(1);
    std::string never;
    event::Context* context = nullptr;
    f.loop.spawn(ask(client, "silent", never), &context, [&context] { context = nullptr; });
    f.loop.spawn(ask(client, "later", answers[0]));
    REQUIRE(context != nullptr);
    context->cancel();
    std::string last;
    f.run(ask(client, "last", last));
    f.run(until_answered(f.loop, answers));
    CHECK(never.empty());
    CHECK(context == nullptr);
    CHECK(answers[0] == "later");
    CHECK(last == "last");
}

TEST_CASE("a question has a time limit of its own", "[ipc][service]") {
    Fixture f;
    f.settings.answer = 30ms;
    Client client(f.loop, f.settings);
    std::vector<std::string> answers(1);
    std::string other;
    f.loop.spawn(ask(client, "silent", answers[0]));
    f.run(ask(client, "other", other));
    CHECK(other == "other");
    f.run(until_answered(f.loop, answers));
    CHECK(answers[0] == "failed: " + f.path + ": no answer in time");
    f.run(ask(client, "after", other));
    CHECK(other == "after");
    CHECK(f.service->connections == 1);
}

TEST_CASE("a service that is not there is named, and waited for where somebody has patience", "[ipc][service]") {
    Fixture f;
    f.service->close();
    std::string answer;
    SECTION("no patience") {
        Client client(f.loop, f.settings);
        f.run(ask(client, "one", answer));
        CHECK(answer.starts_with("failed: connect to " + f.path + ": "));
    }
    SECTION("patience") {
        f.settings.patience = 10s;
        Client client(f.loop, f.settings);
        std::vector<std::string> answers(1);
        f.loop.spawn(ask(client, "one", answers[0]));
        f.loop.post([&f] { f.service->open(); });
        f.run(until_answered(f.loop, answers));
        CHECK(answers[0] == "one");
    }
}

TEST_CASE("a service that speaks another language is left", "[ipc][service]") {
    Fixture f;
    Client client(f.loop, f.settings);
    std::string answer;
    f.run(ask(client, "nonsense", answer));
    CHECK(answer.starts_with("failed: " + f.path + ": expected record echo/1, got"));
}

TEST_CASE("a client that ends leaves its callers an answer", "[ipc][service]") {
    Fixture f;
    auto client = std::make_unique<Client>(f.loop, f.settings);
    std::vector<std::string> answers(1);
    f.loop.spawn(ask(*client, "silent", answers[0]));
    client.reset();
    f.run(until_answered(f.loop, answers));
    CHECK(answers[0] == "failed: " + f.path + ": the client has ended");
}

namespace {

using Pool = ipc::ServicePool<>;

Task<std::expected<Echo, std::string>> say(Pool::Lease& lease, std::string words) {
    Echo request;
    request.words = std::move(words);
    co_await lease.channel.send(request);
    std::expected<Echo, std::string> reply = co_await lease.channel.receive<Echo>();
    co_return reply;
}

Task<void> converse(Pool& pool, std::string words, std::string& answer) {
    Pool::Talk<Echo> talk = [&words](Pool::Lease& lease) { return say(lease, words); };
    std::expected<Echo, std::string> reply = co_await pool.converse<Echo>(talk);
    answer = reply ? reply->words : "failed: " + reply.error();
}

// Makes the service close between the look at the connection and the first octet said.
Task<void> converse_after_close(Fixture& f, Pool& pool, std::string& answer) {
    Pool::Talk<Echo> talk = [&f, first = true](Pool::Lease& lease) mutable {
        if (std::exchange(first, false))
            f.service->close_connections();
        return say(lease, "again");
    };
    std::expected<Echo, std::string> reply = co_await pool.converse<Echo>(talk);
    answer = reply ? reply->words : "failed: " + reply.error();
}

}  // namespace

TEST_CASE("conversations share kept connections, one at a time on each", "[ipc][service]") {
    Fixture f;
    Pool pool(f.loop, f.settings, 2);
    std::vector<std::string> answers(3);
    for (std::size_t i = 0; i < 3; ++i)
        f.loop.spawn(converse(pool, "x" + std::to_string(i), answers[i]));
    f.run(until_answered(f.loop, answers));
    CHECK(answers == std::vector<std::string>{"x0", "x1", "x2"});
    CHECK(f.service->connections == 3);
    std::string fourth;
    f.run(converse(pool, "x3", fourth));
    CHECK(fourth == "x3");
    CHECK(f.service->connections == 3);
}

TEST_CASE("a conversation over a stale connection is begun anew", "[ipc][service]") {
    Fixture f;
    Pool pool(f.loop, f.settings);
    std::string answer;
    f.run(converse(pool, "one", answer));
    CHECK(answer == "one");
    SECTION("the end is seen before anything is said") {
        f.service->close_connections();
        f.run(converse(pool, "two", answer));
        CHECK(answer == "two");
    }
    SECTION("the end comes before the request is read") {
        f.run(converse_after_close(f, pool, answer));
        CHECK(answer == "again");
    }
    SECTION("a request that was read is not said twice") {
        f.run(converse(pool, "close", answer));
        CHECK(answer == "failed: " + f.path + ": the peer closed the connection");
        CHECK(std::ranges::count(f.service->heard, "close") == 1);
    }
}

TEST_CASE("a conversation that may be repeated is, where a kept connection ends under it", "[ipc][service]") {
    Fixture f;
    f.settings.repeatable = true;
    Pool pool(f.loop, f.settings);
    std::string answer;
    f.run(converse(pool, "one", answer));
    f.run(converse(pool, "close", answer));
    CHECK(answer.starts_with("failed: "));
    CHECK(std::ranges::count(f.service->heard, "close") == 2);
    f.run(converse(pool, "after", answer));
    CHECK(answer == "after");
}
