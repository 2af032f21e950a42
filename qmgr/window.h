// qmgr/window.h - how many deliveries at a time a destination gets.
//
// Begins small, grows with every delivery that met no connection trouble, shrinks with every one that did, and
// declares the destination dead when a round of deliveries failed. The arithmetic is that of Postfix's
// SCHEDULER_README, so that its tuning advice holds.
//
// Failure     parse_feedback() gives a reason.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace qmgr {

// "1", "0.3", "1/5", "1/concurrency", "2/sqrt_concurrency"
struct Feedback {
    enum class Per { constant, concurrency, sqrt_concurrency };
    double amount = 1;
    Per per = Per::constant;

    double at(int window) const;
};
std::expected<Feedback, std::string> parse_feedback(std::string_view text);

struct WindowLimits {
    int initial = 5;
    int limit = 20;               // 0: none
    int failed_cohort_limit = 1;  // 0: never dead
    Feedback positive;
    Feedback negative;
};

class Window {
  public:
    explicit Window(const WindowLimits& limits) : limits_{limits}, size_{limits.initial} {}

    bool has_room(int busy) const { return !dead_ && (limits_.limit == 0 || busy < size_); }
    int size() const { return size_; }
    bool dead() const { return dead_; }

    // `busy`: deliveries under way, this one included.
    void succeeded(int busy);
    void failed();
    void revive();

  private:
    const WindowLimits& limits_;
    int size_;
    double success_ = 0;
    double failure_ = 0;
    double failed_cohorts_ = 0;
    bool dead_ = false;
};

}  // namespace qmgr
