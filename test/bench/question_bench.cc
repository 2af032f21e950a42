// test/bench/question_bench.cc - what it costs that lookups can be waited for, where nothing has to be waited for.
//
//   question_bench FOLDER [SECONDS]
//
// In turns, the lookup as it was (a virtual call that returns the answer) and as it is (a coroutine awaits a Pending): of a
// table in memory, of an indexed file, through a list of tables; keys that are there and keys that are not. Then what is
// built on them: membership in a list, a whole route. Prints nanoseconds and the ratio; counts allocations.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/address/resolver.h"
#include "lib/config/logical_lines.h"
#include "lib/dict/lmdb_file.h"
#include "lib/dict/match_list.h"
#include "lib/dict/table_list.h"
#include "lib/dict/watched_file.h"
#include "lib/event/loop.h"
#include "lib/text/text.h"

namespace {
std::size_t allocations = 0;
}

[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using Clock = std::chrono::steady_clock;

// Tables as they were: what LmdbTable and Inline did before answers could be waited for.
class Before {
  public:
    virtual ~Before() = default;
    virtual dict::Answer lookup(std::string_view key) = 0;
};

class LmdbBefore final : public Before {
  public:
    explicit LmdbBefore(const std::string& path) : file_(std::move(*dict::LmdbFile::open(path))), watched_(path) {}
    dict::Answer lookup(std::string_view key) override {
        if (watched_.changed())
            return std::unexpected(dict::Failure{"replaced"});
        auto found = file_.find(text::lower(key));
        if (!found)
            return std::unexpected(dict::Failure{found.error()});
        return std::move(*found);
    }

  private:
    dict::LmdbFile file_;
    dict::WatchedFile watched_;
};

class InlineBefore final : public Before {
  public:
    explicit InlineBefore(std::unordered_map<std::string, std::string> entries) : entries_(std::move(entries)) {}
    dict::Answer lookup(std::string_view key) override {
        auto found = entries_.find(text::lower(key));
        return found == entries_.end() ? std::optional<std::string>() : found->second;
    }

  private:
    std::unordered_map<std::string, std::string> entries_;
};

struct ListBefore {
    std::vector<std::unique_ptr<Before>> tables;
    dict::Answer lookup(std::string_view key) const {
        for (const auto& table : tables) {
            dict::Answer answer = table->lookup(key);
            if (!answer || *answer)
                return answer;
        }
        return std::optional<std::string>();
    }
};

constexpr int kRound = 2000;

struct Cost {
    double nanoseconds = 0;
    double allocations = 0;
};

// One round of calls inside one coroutine, as in a session.
template <class Call>
Cost round_of(event::Loop& loop, Call& call) {
    const std::size_t before = allocations;
    const auto begin = Clock::now();
    loop.spawn(call(kRound));
    Cost cost;
    cost.nanoseconds = std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / kRound;
    cost.allocations = static_cast<double>(allocations - before) / kRound;
    return cost;
}

Cost median(std::vector<Cost> costs) {
    std::ranges::sort(costs, {}, &Cost::nanoseconds);
    return costs[costs.size() / 2];
}

template <class Old, class New>
void compare(const char* what, event::Loop& loop, double seconds, Old old_way, New new_way) {
    std::vector<Cost> before, after;
    for (const auto begin = Clock::now(); std::chrono::duration<double>(Clock::now() - begin).count() < seconds;) {
        before.push_back(round_of(loop, old_way));
        after.push_back(round_of(loop, new_way));
    }
    const Cost was = median(before), is = median(after);
    fmt::print("{:34} before {:7.1f} ns, {:.1f} allocations; now {:7.1f} ns, {:.1f} allocations; ratio {:.2f}\n", what,
        was.nanoseconds, was.allocations, is.nanoseconds, is.allocations, is.nanoseconds / was.nanoseconds);
}

std::size_t found = 0;

template <class Table>
auto old_calls(Table& table, std::string key) {
    return [&table, key](int count) {
        return [](Table& table, std::string key, int count) -> event::Task<void> {
            while (count-- > 0) {
                dict::Answer answer = table.lookup(key);
                found += answer && *answer;
            }
            co_return;
        }(table, key, count);
    };
}

template <class Table>
auto new_calls(Table& table, const question::Asker& asker, std::string key) {
    return [&table, &asker, key](int count) {
        return [](Table& table, const question::Asker& asker, std::string key, int count) -> event::Task<void> {
            while (count-- > 0) {
                dict::Answer answer = co_await table.lookup(asker, key);
                found += answer && *answer;
            }
        }(table, asker, key, count);
    };
}

event::Task<void> match(const dict::MatchList& list, const question::Asker& asker, int count) {
    while (count-- > 0) {
        dict::Matched matched = co_await list.matches(asker, "host42.example.test");
        found += matched && *matched;
    }
}

event::Task<void> route(const address::Resolver& resolver, const question::Asker& asker, int count) {
    const address::Mailbox sender = address::parse_text("a@example.org");
    const address::Mailbox recipient = address::parse_text("user@host42.example.test");
    while (count-- > 0) {
        auto found_route = co_await resolver.resolve(asker, sender, recipient);
        found += found_route.has_value();
    }
}

template <class Call>
void alone(const char* what, event::Loop& loop, double seconds, Call call) {
    std::vector<Cost> costs;
    for (const auto begin = Clock::now(); std::chrono::duration<double>(Clock::now() - begin).count() < seconds;)
        costs.push_back(round_of(loop, call));
    const Cost cost = median(costs);
    fmt::print("{:34} {:.1f} ns, {:.1f} allocations\n", what, cost.nanoseconds, cost.allocations);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        fmt::print(stderr, "usage: question_bench FOLDER [SECONDS]\n");
        return 2;
    }
    const double seconds = argc > 2 ? std::atof(argv[2]) : 1.0;
    const std::string path = std::string(argv[1]) + "/bench.lmdb";
    dict::Records records;
    std::unordered_map<std::string, std::string> entries;
    std::string pairs;
    for (int i = 0; i < 1000; ++i) {
        const std::string key = fmt::format("user{}@example.test", i);
        records.try_emplace(key, "someone@example.org");
        entries.try_emplace(key, "someone@example.org");
        pairs += fmt::format("{}{}=someone@example.org", i == 0 ? "" : ", ", key);
    }
    if (auto written = dict::write_lmdb(path, records, {}); !written) {
        fmt::print(stderr, "{}\n", written.error());
        return 1;
    }
    event::Loop loop;
    const question::Asker asker(loop);
    const std::string lmdb = "lmdb:" + path, memory = "inline:{" + pairs + "}";
    InlineBefore old_inline(entries);
    LmdbBefore old_lmdb(path);
    ListBefore old_list;
    old_list.tables.push_back(std::make_unique<InlineBefore>(entries));
    old_list.tables.push_back(std::make_unique<LmdbBefore>(path));
    auto new_inline = std::move(*dict::Table::open(memory));
    auto new_lmdb = std::move(*dict::Table::open(lmdb));
    const dict::TableList new_list = dict::TableList::open("bench_maps", {memory, lmdb});
    const std::string there = "user500@example.test", not_there = "nobody@example.test";

    compare("memory, found", loop, seconds, old_calls(old_inline, there), new_calls(*new_inline, asker, there));
    compare("memory, not found", loop, seconds, old_calls(old_inline, not_there), new_calls(*new_inline, asker, not_there));
    compare("LMDB, found", loop, seconds, old_calls(old_lmdb, there), new_calls(*new_lmdb, asker, there));
    compare("LMDB, not found", loop, seconds, old_calls(old_lmdb, not_there), new_calls(*new_lmdb, asker, not_there));
    compare(
        "memory and LMDB, found in memory", loop, seconds, old_calls(old_list, there), new_calls(new_list, asker, there));
    compare(
        "memory and LMDB, not found", loop, seconds, old_calls(old_list, not_there), new_calls(new_list, asker, not_there));

    const auto list = dict::MatchList::open(
        "mydestination", {"example.org", "localhost", "host42.example.test"}, dict::ListKind::strings);
    alone("membership in a list of 3 words", loop, seconds, [&](int count) { return match(list, asker, count); });
    config::CommonParams params;
    config::MainCf cf = config::MainCf::parse(
        "myhostname = mx.example.org\nalias_maps =\ntransport_maps = " + lmdb + "\nrelay_domains = relay.test\n", "main.cf");
    static_cast<void>(params.load(cf));
    const address::Resolver resolver(params, {"192.0.2.1"});
    alone("a route, transport_maps in LMDB", loop, seconds, [&](int count) { return route(resolver, asker, count); });
    return found == 0;
}
