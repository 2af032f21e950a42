#include "lib/store/maildir/expunge_log.h"

#include <algorithm>

namespace store {
namespace {

bool before(const UidRange& a, const UidRange& b) { return a.first < b.first; }

// Ranges that touch become one.
std::vector<UidRange> joined(std::vector<UidRange> ranges) {
    std::sort(ranges.begin(), ranges.end(), before);
    std::vector<UidRange> result;
    for (const UidRange& range : ranges) {
        if (!result.empty() && range.first <= result.back().last + std::uint64_t{1})
            result.back().last = std::max(result.back().last, range.last);
        else
            result.push_back(range);
    }
    return result;
}

}  // namespace

void ExpungeLog::add(std::vector<std::uint32_t> uids, Modseq modseq) {
    std::vector<UidRange> ranges;
    ranges.reserve(uids.size());
    for (std::uint32_t uid : uids)
        ranges.push_back({uid, uid});
    for (const UidRange& range : joined(std::move(ranges))) {
        txn_.put_gone(state_.id, {modseq, range});
        ++state_.gone_ranges;
    }
    if (state_.gone_ranges > kMaxRanges)
        shorten();
}

void ExpungeLog::shorten() {
    std::vector<Txn::Gone> oldest;
    txn_.each_gone(state_.id, 0, [&](const Txn::Gone& gone) {
        if (oldest.size() + kKeptRanges >= state_.gone_ranges)
            return false;
        oldest.push_back(gone);
        return true;
    });
    for (const Txn::Gone& gone : oldest)
        txn_.remove_gone(state_.id, gone);
    state_.gone_ranges -= static_cast<std::uint32_t>(oldest.size());
    // Some of that modseq may have stayed; it no longer counts as known.
    if (!oldest.empty())
        state_.forgotten_modseq = std::max(state_.forgotten_modseq, oldest.back().modseq);
}

std::optional<std::vector<UidRange>> ExpungeLog::since(Modseq modseq) const {
    if (modseq < state_.forgotten_modseq)
        return std::nullopt;
    std::vector<UidRange> ranges;
    txn_.each_gone(state_.id, modseq, [&ranges](const Txn::Gone& gone) {
        ranges.push_back(gone.uids);
        return true;
    });
    return joined(std::move(ranges));
}

void ExpungeLog::forget() {
    std::vector<Txn::Gone> all;
    txn_.each_gone(state_.id, 0, [&all](const Txn::Gone& gone) {
        all.push_back(gone);
        return true;
    });
    for (const Txn::Gone& gone : all)
        txn_.remove_gone(state_.id, gone);
    state_.gone_ranges = 0;
    state_.forgotten_modseq = state_.highest_modseq;
}

}  // namespace store
