#include "master/systemd.h"

#include <systemd/sd-daemon.h>
#include <time.h>

#include <fmt/format.h>

namespace master {
namespace {

event::Task<void> answer_watchdog(event::Loop& loop, std::chrono::milliseconds interval) {
    for (;;) {
        ::sd_notify(0, "WATCHDOG=1");
        co_await event::sleep_for(loop, interval);
    }
}

}  // namespace

void systemd_ready() { ::sd_notify(0, "READY=1\nSTATUS=Running"); }

void systemd_reloading() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    // systemd 253 wants to know which reload this answers.
    std::int64_t microseconds = static_cast<std::int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
    ::sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reloading", microseconds).c_str());
}

void systemd_stopping() { ::sd_notify(0, "STOPPING=1\nSTATUS=Stopping"); }

void systemd_watchdog(event::Loop& loop) {
    std::uint64_t microseconds = 0;
    if (::sd_watchdog_enabled(0, &microseconds) <= 0)
        return;
    loop.spawn(answer_watchdog(loop, std::chrono::milliseconds(microseconds / 2000)));
}

}  // namespace master
