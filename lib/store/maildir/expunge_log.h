// lib/store/maildir/expunge_log.h - which UIDs are no more, and since which modseq.
//
//     ExpungeLog(txn, box.state).add(uids, modseq);      // with the change itself, in its transaction
//     auto gone = ExpungeLog(txn, box.state).since(modseq);
//
// The log is bounded: beyond kMaxRanges the oldest entries go, and the box remembers up to which modseq nothing is known.
// Whoever asks about an older one hears that, and must compare UIDs. The log lies in the index and goes with it.
//
// Failure     throws IndexError.
#pragma once

#include <optional>
#include <vector>

#include "lib/store/maildir/index.h"

namespace store {

class ExpungeLog {
  public:
    static constexpr std::uint32_t kMaxRanges = 4096;   // of adjacent UIDs that went at once, for each mailbox
    static constexpr std::uint32_t kKeptRanges = 3072;  // once it was too long

    ExpungeLog(Txn& txn, BoxState& state) : txn_(txn), state_(state) {}

    // In any order; none of them may be in the log yet.
    void add(std::vector<std::uint32_t> uids, Modseq modseq);

    // What went after that modseq, ascending; nothing where the log does not reach back so far.
    std::optional<std::vector<UidRange>> since(Modseq modseq) const;

    // Begins anew: what went before the box's highest modseq is not known.
    void forget();

  private:
    void shorten();

    Txn& txn_;
    BoxState& state_;
};

}  // namespace store
