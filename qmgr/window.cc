#include "qmgr/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "lib/text/text.h"

namespace qmgr {
namespace {

constexpr double kEpsilon = 1e-9;  // sums of thirds shall reach one

std::expected<double, std::string> parse_positive(std::string_view text) {
    const std::string digits{text::trim(text)};
    char* end = nullptr;
    const double value = std::strtod(digits.c_str(), &end);
    if (digits.empty() || *end != '\0' || !std::isfinite(value) || value < 0)
        return std::unexpected(fmt::format("\"{}\" is not a number", digits));
    return value;
}

}  // namespace

double Feedback::at(int window) const {
    const double size = std::max(window, 1);
    switch (per) {
    case Per::concurrency: return amount / size;
    case Per::sqrt_concurrency: return amount / std::sqrt(size);
    case Per::constant: break;
    }
    return amount;
}

std::expected<Feedback, std::string> parse_feedback(std::string_view text) {
    Feedback feedback;
    const std::size_t slash = text.find('/');
    const auto amount = parse_positive(text.substr(0, slash));
    if (!amount)
        return std::unexpected(amount.error());
    feedback.amount = *amount;
    if (slash != std::string_view::npos) {
        const std::string_view divisor = text::trim(text.substr(slash + 1));
        if (divisor == "concurrency") {
            feedback.per = Feedback::Per::concurrency;
        } else if (divisor == "sqrt_concurrency") {
            feedback.per = Feedback::Per::sqrt_concurrency;
        } else {
            const auto number = parse_positive(divisor);
            if (!number || *number < 1)
                return std::unexpected(
                    fmt::format("\"{}\" is neither a number from 1 on, nor concurrency, nor "
                                "sqrt_concurrency",
                        divisor));
            feedback.amount /= *number;
        }
    }
    if (feedback.amount > 1 && feedback.per == Feedback::Per::constant)
        return std::unexpected("the feedback must not be above 1");
    return feedback;
}

void Window::succeeded(int busy) {
    failed_cohorts_ = 0;
    failure_ = 0;
    if (dead_)
        revive();
    const bool may_grow = limits_.limit == 0 || size_ < limits_.limit;
    if (!may_grow || size_ >= busy + limits_.initial)
        return;  // not used to the full: no reason to grow
    success_ += limits_.positive.at(size_);
    while (success_ + kEpsilon >= 1) {
        ++size_;
        success_ -= 1;
    }
    if (limits_.limit > 0)
        size_ = std::min(size_, limits_.limit);
}

void Window::failed() {
    if (dead_)
        return;
    success_ = 0;
    failed_cohorts_ += 1.0 / std::max(size_, 1);
    if (limits_.failed_cohort_limit > 0 && failed_cohorts_ + kEpsilon >= limits_.failed_cohort_limit) {
        dead_ = true;
        return;
    }
    failure_ += limits_.negative.at(size_);
    while (failure_ + kEpsilon >= 1) {
        size_ = std::max(1, size_ - 1);
        failure_ -= 1;
    }
}

void Window::revive() {
    dead_ = false;
    failed_cohorts_ = 0;
    failure_ = 0;
    success_ = 0;
    size_ = limits_.initial;
}

}  // namespace qmgr
