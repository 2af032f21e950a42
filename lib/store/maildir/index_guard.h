// lib/store/maildir/index_guard.h - a damaged index kills one process at most, once.
//
// An index is mapped into memory, so a file that was cut, or a page whose bits have changed, is a fault of the machine
// (SIGBUS, SIGSEGV, SIGABRT) in whoever reads it, or a failed assertion inside LMDB. From there is no way back into the
// program. But before the process dies, the file is taken away, with the rights of the thread that was reading: whoever
// opens the mailboxes next makes the index anew. Without this the same user's next message would kill the next process, for
// ever.
//
// Failure     where there is no slot left, an index is open without a guard.
// Threads     any; the handler does nothing that a signal handler may not do.
#pragma once

#include <lmdb.h>

#include <cstddef>

namespace store {

class IndexGuard {
  public:
    IndexGuard() = default;
    // Faults within the environment's map are this index's; `root` stays open as long as this lives.
    IndexGuard(MDB_env* env, int root);
    ~IndexGuard();
    IndexGuard(IndexGuard&& other) noexcept;
    IndexGuard& operator=(IndexGuard&& other) noexcept;

    // While something reads it: then a fault elsewhere, where a bad page has led, counts as this index's too.
    void begin_use();
    void end_use();

    // What makes an index useless to everybody. Safe in a signal handler.
    static void discard(int root);

  private:
    int slot_ = -1;
};

}  // namespace store
