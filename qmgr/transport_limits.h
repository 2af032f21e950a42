// qmgr/transport_limits.h - what main.cf says about one delivery service.
#pragma once

#include <string>

#include "lib/config/main_cf.h"
#include "qmgr/params.h"
#include "qmgr/window.h"

namespace qmgr {

struct TransportLimits {
    WindowLimits window;
    int recipients = 50;    // in one delivery; 0: no limit
    int deliveries = 100;   // of the whole service at a time
    bool deferred = false;  // listed in defer_transports
};

// A value that cannot be used is reported in the log, and the default taken.
TransportLimits read_transport_limits(const config::MainCf& main_cf, const Params& params, const std::string& transport);

}  // namespace qmgr
