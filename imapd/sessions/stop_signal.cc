#include "imapd/sessions/stop_signal.h"

#include <signal.h>

namespace sessions {
namespace {

void on_stop(int) { stop_requested = 1; }

}  // namespace

volatile int stop_requested = 0;

void install_stop_signal() {
    struct sigaction action {};
    action.sa_handler = on_stop;  // without SA_RESTART: poll() ends
    sigaction(SIGTERM, &action, nullptr);
    signal(SIGPIPE, SIG_IGN);
}

}  // namespace sessions
