// lib/time/jump.h - notices that the wall clock was set: by comparing how far it went with how far the steady clock went.
//
// Whoever lets something end by the wall clock (mail too old, a warning due) looks here first, at that very moment: a clock
// that is set an hour after the last look would make everything an hour older. What the steady clock leaves out, such as the
// time while the machine slept, counts as a jump too, and does no harm.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "lib/time/clock.h"

namespace wall_clock {

class JumpWatch {
  public:
    static constexpr std::int64_t kJump = 120;  // seconds; less is drift or a leap

    using Steady = std::chrono::steady_clock::time_point;
    JumpWatch(std::int64_t wall, Steady steady) : wall_{wall}, steady_{steady} {}
    JumpWatch() : JumpWatch(now_seconds(), std::chrono::steady_clock::now()) {}

    // By how many seconds the clock was set since the last look; 0 where it was not.
    std::int64_t look(std::int64_t wall, Steady steady) {
        const auto passed = std::chrono::duration_cast<std::chrono::seconds>(steady - steady_).count();
        const std::int64_t jump = wall - wall_ - passed;
        if (std::abs(jump) < kJump && passed < kDrift)
            return 0;  // measured from the same moment next time: many small steps are a jump as well
        wall_ = wall;
        steady_ = steady;
        return std::abs(jump) < kJump ? 0 : jump;
    }
    std::int64_t look() { return look(now_seconds(), std::chrono::steady_clock::now()); }

  private:
    static constexpr std::int64_t kDrift = 3600;  // within so many seconds no honest clock drifts by kJump
    std::int64_t wall_;
    Steady steady_;
};

}  // namespace wall_clock
