// qmgr/intake.h - the clients of public/qmgr: hand-overs from cleanup, commands of users.
//
// Trust       see lib/ipc/records/qmgr.h: a hand-over counts only from a process with our own uid, and what it says
//             is decoded as strictly as a file.
#pragma once

#include "lib/event/stream.h"
#include "lib/event/task.h"
#include "lib/worker/program.h"
#include "qmgr/scanner.h"
#include "qmgr/scheduler.h"

namespace qmgr {

event::Task<void> serve_client(
    event::Stream stream, worker::Client& seat, const queue::Spool& spool, Scheduler& scheduler, Scanner& scanner);

}  // namespace qmgr
