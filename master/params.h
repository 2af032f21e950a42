// master/params.h - the main.cf parameters that master(8) and the malleposte command read.
#pragma once

#include "lib/config/common_params.h"

namespace master {

struct Params : config::CommonParams {};

}  // namespace master
