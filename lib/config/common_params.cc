#include "lib/config/common_params.h"

namespace config {

HostParams::HostParams() = default;
HostParams::~HostParams() = default;
CommonParams::CommonParams() = default;
CommonParams::~CommonParams() = default;

}  // namespace config
