// master/systemd.h - what systemd is told: readiness, reload, stop, and that we are alive (sd_notify(3)).
#pragma once

#include "lib/event/loop.h"

namespace master {

void systemd_ready();
void systemd_reloading();
void systemd_stopping();
// Answers the watchdog as often as systemd asked for; nothing where it did not.
void systemd_watchdog(event::Loop& loop);

}  // namespace master
