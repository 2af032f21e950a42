// lib/time/clock.h - the wall clock, as queue files, logs and signatures count it: since 1970, in UTC.
//
// For how long something takes or may take use event::Clock, which nobody sets back.
#pragma once

#include <chrono>
#include <cstdint>

namespace wall_clock {

inline std::int64_t now_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

inline std::int64_t now_seconds() { return now_us() / 1'000'000; }

}  // namespace wall_clock
