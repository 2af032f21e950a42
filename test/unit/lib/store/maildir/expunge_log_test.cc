#include "lib/store/maildir/expunge_log.h"

#include "test/unit/lib/store/maildir/temporary_maildir.h"

using namespace store;
using store_test::TemporaryMaildir;

namespace {

struct Log {
    Log() : index(Index::open(maildir.root.get(), "test")), txn(*index, true) {
        state.id = 7;
        state.highest_modseq = state.forgotten_modseq = 100;
    }
    void add(std::vector<std::uint32_t> uids) { ExpungeLog(txn, state).add(std::move(uids), ++state.highest_modseq); }
    std::optional<std::vector<UidRange>> since(Modseq modseq) { return ExpungeLog(txn, state).since(modseq); }

    TemporaryMaildir maildir;
    std::shared_ptr<Index> index;
    Txn txn;
    BoxState state;
};
using Ranges = std::vector<UidRange>;

}  // namespace

TEST_CASE("the log joins what touches, and knows where it begins", "[store][rfc7162]") {
    Log log;
    CHECK(log.since(100) == Ranges{});
    CHECK(log.since(99) == std::nullopt);
    log.add({5, 3, 4, 9});
    log.add({6});
    log.add({UINT32_MAX - 1, 1});
    CHECK(log.since(100) == Ranges{{1, 1}, {3, 6}, {9, 9}, {UINT32_MAX - 1, UINT32_MAX - 1}});
    CHECK(log.since(101) == Ranges{{1, 1}, {6, 6}, {UINT32_MAX - 1, UINT32_MAX - 1}});
    CHECK(log.since(103) == Ranges{});
    CHECK(log.state.gone_ranges == 5);
    log.state.id = 8;
    CHECK(log.since(100) == Ranges{});  // another mailbox's
    log.state.id = 7;
    ExpungeLog(log.txn, log.state).forget();
    CHECK(log.since(103) == Ranges{});
    CHECK(log.since(102) == std::nullopt);
    CHECK(log.state.gone_ranges == 0);
}

TEST_CASE("the log has an end, and says so", "[store][rfc7162]") {
    Log log;
    std::uint32_t uid = 1;
    for (std::uint32_t i = 0; i < ExpungeLog::kMaxRanges; ++i, uid += 2)
        log.add({uid});
    CHECK(log.since(100)->size() == ExpungeLog::kMaxRanges);
    log.add({uid});
    CHECK(log.state.gone_ranges == ExpungeLog::kKeptRanges);
    CHECK(log.since(100) == std::nullopt);
    Modseq known = log.state.forgotten_modseq;
    CHECK(known == log.state.highest_modseq - ExpungeLog::kKeptRanges);
    CHECK(log.since(known - 1) == std::nullopt);
    CHECK(log.since(known)->size() == ExpungeLog::kKeptRanges);
    CHECK(log.since(log.state.highest_modseq - 1) == Ranges{{uid, uid}});
    // So much at once that one change does not fit.
    std::vector<std::uint32_t> many;
    for (std::uint32_t i = 0; i < 2 * ExpungeLog::kMaxRanges; ++i)
        many.push_back(uid += 2);
    log.add(many);
    CHECK(log.state.gone_ranges == ExpungeLog::kKeptRanges);
    CHECK(log.since(log.state.highest_modseq - 1) == std::nullopt);
    CHECK(log.since(log.state.highest_modseq) == Ranges{});
}
