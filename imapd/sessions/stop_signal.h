// imapd/sessions/stop_signal.h - how a user's process is asked to end: SIGTERM, seen at its next wait.
#pragma once

namespace sessions {

// Set by SIGTERM: a session says goodbye when it next waits for its client.
extern volatile int stop_requested;
void install_stop_signal();

}  // namespace sessions
