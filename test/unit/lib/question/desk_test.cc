// test/unit/lib/question/desk_test.cc - joining, cache, limits, shares and ends of questions.
#include "lib/question/desk.h"

#include <set>

#include "lib/question/alone.h"
#include "lib/question/within.h"
#include "test/support/catch.h"
#include "test/support/wait_for.h"

using namespace std::chrono_literals;
using question::Asker;
using question::Refusal;

namespace {

// Answers "key!" when the test lets it.
class Slow final : public question::Source<std::string> {
  public:
    explicit Slow(event::Loop& loop) : let_go_(loop) {}

    event::Task<std::string> find(std::string key) override {
        asked.push_back(key);
        if (key == "throws")
            throw std::runtime_error("broken");
        struct Count {
            Slow& slow;
            bool ended = false;
            explicit Count(Slow& the_slow) : slow(the_slow) {}
            ~Count() { slow.taken_back += !ended; }
        };
        Count count(*this);
        while (!open)
            co_await let_go_.wait();
        count.ended = true;
        co_return key + "!";
    }
    std::string later(Refusal why, const std::string& detail) const override {
        return "later " + std::to_string(static_cast<int>(why)) + ": " + detail;
    }
    std::chrono::milliseconds lifetime(const std::string& answer) const override { return answer == "short!" ? 0ms : 1h; }
    std::size_t octets(const std::string& answer) const override { return answer.size(); }

    void answer() {
        open = true;
        let_go_.notify_all();
    }

    bool open = false;
    std::vector<std::string> asked;
    int taken_back = 0;

  private:
    event::Notice let_go_;
};

struct Office {
    explicit Office(question::DeskLimits limits = {}) : desk(loop, source, limits) {}
    event::Loop loop;
    Slow source{loop};
    question::Desk<std::string> desk;

    void begin(const Asker& asker, const std::string& key, std::optional<std::string>& answer) {
        loop.spawn(ask(desk, asker, key, answer));
    }
    static event::Task<void> ask(
        question::Desk<std::string>& desk, const Asker& asker, std::string key, std::optional<std::string>& answer) {
        std::string said = co_await desk.ask(asker, std::move(key));
        answer = std::move(said);
    }
    // Lets what is scheduled happen.
    void turn() {
        loop.spawn(two_turns(loop));
        loop.run();
    }
    static event::Task<void> two_turns(event::Loop& loop) {
        int left = 4;
        while (left-- > 0)
            co_await event::next_turn(loop);
        loop.stop();
    }
};

using Answers = std::optional<std::string>;

}  // namespace

TEST_CASE("the same question is asked once, and its answer told again", "[question]") {
    Office office;
    Asker asker(office.loop);
    Answers one, two, three;
    office.begin(asker, "a", one);
    office.begin(asker, "a", two);
    CHECK(office.desk.open_questions() == 1);
    CHECK_FALSE(one);
    office.source.answer();
    office.loop.run_until_idle();
    CHECK(one == "a!");
    CHECK(two == "a!");
    office.begin(asker, "a", three);
    CHECK(three == "a!");  // at once
    CHECK(office.source.asked.size() == 1);
    Asker doubter(office.loop);
    doubter.fresh = true;
    office.begin(doubter, "a", three);
    office.loop.run_until_idle();
    CHECK(office.source.asked.size() == 2);
    office.begin(asker, "short", three);
    office.begin(asker, "short", three);
    CHECK(office.source.asked.size() == 4);  // an answer without a lifetime is not kept
}

TEST_CASE("an answer that is known suspends nobody", "[question]") {
    Office office;
    Asker asker(office.loop);
    office.source.open = true;
    Answers ignored;
    office.begin(asker, "a", ignored);
    question::Pending<std::string> pending = office.desk.ask(asker, "a");
    CHECK(pending.is_ready());
    CHECK(pending.value() == "a!");
}

TEST_CASE("a question has a time limit, each asker his own", "[question]") {
    question::DeskLimits limits;
    limits.time = 2h;
    Office office(limits);
    Asker patient(office.loop), hasty(office.loop);
    hasty.limit = 20ms;
    Answers one, two;
    office.begin(patient, "a", one);
    office.begin(hasty, "a", two);
    while (!two)
        office.turn();
    CHECK(two == "later 0: no answer within 20 ms");
    CHECK_FALSE(one);
    CHECK(office.source.taken_back == 0);  // somebody waits for it still
    office.source.answer();
    office.loop.run_until_idle();
    CHECK(one == "a!");
}

TEST_CASE("a question ends with its last asker", "[question]") {
    Office office;
    question::Cancellation gone;
    Asker leaves(office.loop), stays(office.loop);
    leaves.cancellation = &gone;
    Answers one, two, three;
    office.begin(leaves, "a", one);
    office.begin(stays, "a", two);
    office.begin(leaves, "b", three);
    gone.cancel();
    CHECK_FALSE(one);  // nothing is resumed inside
    office.turn();
    CHECK(one == "later 2: the question was taken back");
    CHECK(three == "later 2: the question was taken back");
    CHECK(office.source.taken_back == 1);  // b
    CHECK(office.desk.open_questions() == 1);
    Answers four;
    office.begin(leaves, "c", four);
    CHECK(four == "later 2: the question was taken back");
    CHECK(office.source.asked.size() == 2);
    office.loop.cancel_all();  // as when the session of the other asker ends
    office.loop.run_until_idle();
    CHECK_FALSE(two);
    CHECK(office.source.taken_back == 2);
    CHECK(office.desk.open_questions() == 0);
}

TEST_CASE("a source that fails means try later", "[question]") {
    Office office;
    Asker asker(office.loop);
    Answers one;
    office.begin(asker, "throws", one);
    office.loop.run_until_idle();
    CHECK(one == "later 3: broken");
    CHECK(office.desk.cached() == 0);
}

TEST_CASE("everybody has a share, and what is known has no limit", "[question]") {
    question::DeskLimits limits;
    limits.time = 2h;
    limits.slots.all = 3;
    limits.slots.each = 2;
    limits.slots.waiting = 3;
    Office office(limits);
    Asker greedy(office.loop), modest(office.loop);
    greedy.client = question::next_client();
    modest.client = question::next_client();
    office.source.open = true;
    Answers known, again;
    office.begin(greedy, "known", known);
    office.source.open = false;

    Answers many[6], few[2];
    for (int i = 0; i < 6; ++i)
        office.begin(greedy, "g" + std::to_string(i), many[i]);
    // Two are with the source, three wait in his line, the last finds it full.
    CHECK(many[5] == "later 1: too many questions are under way");
    CHECK(office.source.asked == std::vector<std::string>{"known", "g0", "g1"});
    office.begin(modest, "m0", few[0]);
    CHECK(office.source.asked.back() == "m0");
    office.begin(modest, "m1", few[1]);
    CHECK(office.source.asked.back() == "m0");  // now all slots are taken
    office.begin(greedy, "known", again);
    CHECK(again == "known!");
    office.source.answer();
    office.loop.run_until_idle();
    CHECK(few[0] == "m0!");
    CHECK(few[1] == "m1!");
    for (int i = 0; i < 5; ++i)
        CHECK(many[i] == "g" + std::to_string(i) + "!");
    // The modest one's second question did not wait behind the greedy one's third to fifth.
    auto place = [&](const std::string& key) { return std::ranges::find(office.source.asked, key); };
    CHECK(place("m1") < place("g3"));
}

TEST_CASE("our own limit is told apart", "[question]") {
    question::DeskLimits limits;
    limits.time = 30ms;
    limits.slots.all = 1;
    Office office(limits);
    Asker asker(office.loop);
    Answers one, two;
    office.begin(asker, "a", one);
    office.begin(asker, "b", two);
    office.loop.run_until_idle();
    CHECK(one == "later 0: no answer within 30 ms");
    CHECK(two == "later 1: too many questions are under way");
    CHECK(office.source.taken_back == 1);
    CHECK(office.desk.open_questions() == 0);
    office.source.open = true;
    Answers three;
    office.begin(asker, "c", three);  // the slots are free again
    CHECK(three == "c!");
}

TEST_CASE("a cache keeps to its size and its times", "[question]") {
    question::AnswerCache<std::string> cache(1000);
    for (int i = 0; i < 100; ++i) {
        cache.put("k" + std::to_string(i), std::string(100, 'x'), 1h, 100);
        cache.find("k0");
    }
    CHECK(cache.size() < 10);
    CHECK(cache.find("k0") != nullptr);
    CHECK(cache.find("k99") != nullptr);
    CHECK(cache.find("k50") == nullptr);
    cache.put("k0", "y", 0ms, 1);
    CHECK(cache.find("k0") == nullptr);
    cache.put("big", std::string(2000, 'x'), 1h, 2000);
    CHECK(cache.find("big") == nullptr);
}

TEST_CASE("anything can be given a time limit", "[question]") {
    event::Loop loop;
    auto slow = [](event::Loop& loop) -> event::Task<int> {
        co_await event::sleep_for(loop, 1h);
        co_return 1;
    };
    auto fast = [](event::Loop& loop) -> event::Task<int> {
        co_await event::next_turn(loop);
        co_return 2;
    };
    CHECK_FALSE(test::wait_for(loop, question::within(loop, 10ms, slow(loop))));
    CHECK(test::wait_for(loop, question::within(loop, 10s, fast(loop))) == 2);
    CHECK(loop.tasks() == 0);
}

TEST_CASE("a command asks alone", "[question]") {
    question::Alone alone;
    Slow source(alone.loop());
    question::Desk<std::string> desk(alone.loop(), source, {});
    source.open = true;
    CHECK(alone.wait(desk.ask(alone.asker(), "a")) == "a!");
    auto fails = []() -> event::Task<int> {
        throw std::runtime_error("no");
        co_return 1;
    };
    CHECK_THROWS_AS(alone.wait(fails()), std::runtime_error);
}

TEST_CASE("a record says what led to a decision", "[question]") {
    question::Record record;
    record.answered({"aliases: hash:/etc/aliases", "bob"}, "\"alice\"", {"/etc/aliases", 3});
    record.answered({"DNS", "a\r\nb A"}, "does not exist");
    record.decided("permit");
    CHECK(record.text() ==
          "aliases: hash:/etc/aliases: \"bob\" -> \"alice\" (/etc/aliases, line 3)\n"
          "DNS: \"a??b A\" -> does not exist\n= permit\n");
    CHECK(record.text(true).find("desk_test.cc:") != std::string::npos);
}
