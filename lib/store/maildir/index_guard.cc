#include "lib/store/maildir/index_guard.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace store {
namespace {

// The file that counts goes first: without it nobody takes the rest for an index.
constexpr std::array<const char*, 4> kFiles{
    "malleposte.index/incarnation", "malleposte.index/data.mdb", "malleposte.index/lock.mdb", "malleposte.index/intent"};

struct Slot {
    std::atomic<std::uintptr_t> begin{0};  // 0: free
    std::atomic<std::uintptr_t> end{0};
    std::atomic<int> root{-1};
    std::atomic<int> uses{0};
};

std::array<Slot, 1024> slots;
struct sigaction before_bus, before_segv, before_abort;

struct sigaction& before(int signal_number) {
    return signal_number == SIGBUS ? before_bus : signal_number == SIGSEGV ? before_segv : before_abort;
}

void say(const char* text) { [[maybe_unused]] ssize_t written = write(STDERR_FILENO, text, std::strlen(text)); }

void on_fault(int signal_number, siginfo_t* info, void*) {
    const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
    for (Slot& slot : slots) {
        const std::uintptr_t begin = slot.begin.load();
        const bool inside = signal_number != SIGABRT && at >= begin && at < slot.end.load();
        if (begin == 0 || (!inside && slot.uses.load() == 0))
            continue;
        IndexGuard::discard(slot.root.load());
        say("an index that may be damaged is removed; it will be made anew\n");
    }
    // And then what would have happened anyway, as the access is tried again.
    sigaction(signal_number, &before(signal_number), nullptr);
    if (signal_number == SIGABRT && before_abort.sa_handler != SIG_DFL)
        raise(SIGABRT);
}

void watch_for_faults() {
    static const bool watching = [] {
        struct sigaction action {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        for (int fault : {SIGBUS, SIGSEGV, SIGABRT})
            sigaction(fault, &action, &before(fault));
        return true;
    }();
    static_cast<void>(watching);
}

// LMDB ends the process after this.
void on_assertion(MDB_env* env, const char* what) {
    say("a damaged index is removed; it will be made anew: ");
    say(what);
    say("\n");
    const auto root = reinterpret_cast<std::intptr_t>(mdb_env_get_userctx(env));
    IndexGuard::discard(static_cast<int>(root));
}

struct Range {
    std::uintptr_t begin = 0, end = 0;
};

bool is_watched(std::uintptr_t begin) {
    return std::any_of(slots.begin(), slots.end(), [begin](const Slot& slot) { return slot.begin == begin; });
}

// LMDB does not tell where it has put its map; the system does.
std::optional<Range> find_map(ino_t inode) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        Range range;
        unsigned long long found = 0;
        if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %llu", &range.begin, &range.end, &found) == 3 &&
            found == inode && !is_watched(range.begin))
            return range;
    }
    return std::nullopt;
}

int take_slot(std::uintptr_t begin, std::uintptr_t end, int root) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
        int free = -1;
        if (!slots[i].root.compare_exchange_strong(free, root))
            continue;
        slots[i].uses = 0;
        slots[i].end = end;
        slots[i].begin = begin;
        return static_cast<int>(i);
    }
    return -1;
}

}  // namespace

IndexGuard::IndexGuard(MDB_env* env, int root) {
    static std::mutex mutex;  // two threads may open the same index at once
    struct stat file {};
    int descriptor = -1;
    if (mdb_env_get_fd(env, &descriptor) != 0 || fstat(descriptor, &file) != 0)
        return;
    watch_for_faults();
    mdb_env_set_userctx(env, reinterpret_cast<void*>(static_cast<std::intptr_t>(root)));
    mdb_env_set_assert(env, on_assertion);
    const std::lock_guard lock(mutex);
    if (const std::optional<Range> map = find_map(file.st_ino))
        slot_ = take_slot(map->begin, map->end, root);
}

IndexGuard::~IndexGuard() {
    if (slot_ < 0)
        return;
    Slot& slot = slots[static_cast<std::size_t>(slot_)];
    slot.begin = 0;
    slot.root = -1;
}

IndexGuard::IndexGuard(IndexGuard&& other) noexcept : slot_(std::exchange(other.slot_, -1)) {}

IndexGuard& IndexGuard::operator=(IndexGuard&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
}

void IndexGuard::begin_use() {
    if (slot_ >= 0)
        ++slots[static_cast<std::size_t>(slot_)].uses;
}

void IndexGuard::end_use() {
    if (slot_ >= 0)
        --slots[static_cast<std::size_t>(slot_)].uses;
}

void IndexGuard::discard(int root) {
    for (const char* file : kFiles)
        unlinkat(root, file, 0);
}

}  // namespace store
