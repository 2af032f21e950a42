// test/unit/lib/dns/shared_resolver_test.cc - one resolver, many clients.
#include "lib/dns/shared_resolver.h"

#include "lib/text/text.h"
#include "test/support/catch.h"
#include "test/support/wait_for.h"

using dns::Status;
using dns::Type;
using namespace std::chrono_literals;

namespace {

// Answers when the test lets it; "down..." is a failure, "zero..." has a TTL of 0.
class SlowDns final : public dns::Resolver {
  public:
    explicit SlowDns(event::Loop& loop) : let_go_(loop) {}
    event::Task<dns::RawAnswer> query(std::string name, Type) override {
        asked.push_back(name);
        while (!open)
            co_await let_go_.wait();
        dns::RawAnswer answer;
        answer.canonical_name = name;
        answer.ttl = name.starts_with("zero") ? 0 : 60;
        answer.status = name.starts_with("down") ? Status::temporary_failure : Status::found;
        if (answer.status == Status::found)
            answer.records = {std::string("\1x")};
        co_return answer;
    }
    void answer() {
        open = true;
        let_go_.notify_all();
    }
    bool open = false;
    std::vector<std::string> asked;

  private:
    event::Notice let_go_;
};

struct House {
    explicit House(question::DeskLimits limits = {}) {
        auto slow = std::make_unique<SlowDns>(loop);
        dns = slow.get();
        shared = std::make_unique<dns::SharedResolver>(loop, std::move(slow), limits);
    }
    event::Loop loop;
    SlowDns* dns = nullptr;
    std::unique_ptr<dns::SharedResolver> shared;
};

struct Client {
    explicit Client(House& the_house) : house(the_house), asker(house.loop) {
        asker.client = question::next_client();
        seat = std::make_unique<dns::Seat>(*house.shared, asker);
    }
    std::optional<dns::Answer<std::string>>& ask(const std::string& name) {
        auto& place = answers.emplace_back(std::make_unique<std::optional<dns::Answer<std::string>>>());
        house.loop.spawn(test::keep_result(seat->txt(name), *place));
        return *place;
    }
    House& house;
    question::Asker asker;
    std::unique_ptr<dns::Seat> seat;
    std::vector<std::unique_ptr<std::optional<dns::Answer<std::string>>>> answers;
};

}  // namespace

TEST_CASE("a client that asks much keeps no other waiting", "[dns]") {
    question::DeskLimits limits;
    limits.slots.all = 10;
    limits.slots.each = 8;
    House house(limits);
    Client greedy(house), modest(house);
    for (int i = 0; i < 100; ++i)
        greedy.ask("g" + std::to_string(i) + ".test");
    CHECK(house.dns->asked.size() == 8);
    for (int i = 0; i < 3; ++i)
        modest.ask("m" + std::to_string(i) + ".test");
    CHECK(house.dns->asked.size() == 10);  // m0 and m1 at once
    house.dns->answer();
    house.loop.run_until_idle();
    auto place = std::ranges::find(house.dns->asked, "m2.test") - house.dns->asked.begin();
    CHECK(place < 13);
    for (const auto& answer : modest.answers)
        CHECK((*answer)->status == Status::found);
    for (const auto& answer : greedy.answers)
        CHECK((*answer)->status == Status::found);
    CHECK(greedy.seat->limited() == 0);
}

TEST_CASE("what is known is told when nothing can be asked", "[dns]") {
    question::DeskLimits limits;
    limits.slots.all = 1;
    limits.time = 20ms;
    House house(limits);
    Client client(house);
    house.dns->open = true;
    CHECK(client.ask("Known.test")->status == Status::found);
    CHECK(client.ask("zero.test")->status == Status::found);
    CHECK(client.ask("down.test")->status == Status::temporary_failure);
    house.dns->open = false;
    client.ask("slow.test");
    auto& known = client.ask("kNOWN.test");
    REQUIRE(known);
    CHECK(known->canonical_name == "kNOWN.test");  // as this asker wrote it
    auto& zero = client.ask("zero.test");          // a TTL of 0 was for that moment
    CHECK_FALSE(zero);
    auto& down = client.ask("down.test");  // nor is a failure kept
    CHECK_FALSE(down);
    house.loop.run_until_idle();
    CHECK(zero->status == Status::temporary_failure);
    CHECK(zero->reason == "too many questions are under way (dns_question_limit)");
    CHECK(client.seat->limited() == 2);
    CHECK(house.shared->open_questions() == 0);
}

TEST_CASE("our own limit is marked", "[dns]") {
    question::DeskLimits limits;
    limits.slots.all = 0;
    limits.time = 10ms;
    House house(limits);
    Client client(house);
    dns::RawAnswer answer = test::wait_for(house.loop, client.seat->query("a.test", Type::a));
    CHECK(answer.status == Status::temporary_failure);
    CHECK(answer.own_limit);
}

TEST_CASE("questions end with the session that asked", "[dns]") {
    House house;
    auto client = std::make_unique<Client>(house);
    client->ask("a.test");
    client->ask("b.test");
    Client other(house);
    auto& wanted = other.ask("b.test");
    CHECK(house.shared->open_questions() == 2);
    // As DKIM does when a session breaks off: its tasks are told to stop, and the session is gone before they run.
    std::vector<std::unique_ptr<std::optional<dns::Answer<std::string>>>> kept = std::move(client->answers);
    house.loop.cancel_all();
    client.reset();
    house.loop.run_until_idle();
    CHECK(house.shared->open_questions() == 0);
    CHECK_FALSE(wanted);
    CHECK_FALSE(*kept[0]);
    house.dns->open = true;
    CHECK(other.ask("b.test")->status == Status::found);
}

TEST_CASE("questions to the DNS are on the record", "[dns]") {
    House house;
    house.dns->open = true;
    Client client(house);
    question::Record record;
    client.asker.record = &record;
    client.ask("a.test");
    client.ask("down.test");
    house.loop.run_until_idle();
    CHECK(record.text() == "DNS: \"a.test TXT\" -> 1 record\nDNS: \"down.test TXT\" -> temporary failure\n");
}
