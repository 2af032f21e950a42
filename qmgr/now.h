// qmgr/now.h - the wall clock, as the queue file counts it.
#pragma once

#include <chrono>
#include <cstdint>

namespace qmgr {

inline std::int64_t now_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

inline std::int64_t now_seconds() { return now_us() / 1'000'000; }

}  // namespace qmgr
