// master/tools/malleposte/templates.h - the configuration that init writes.
#pragma once

#include <string>

namespace malleposte {

struct InstanceFacts {
    std::string directory;  // absolute
    std::string domain;
    int port_base = 10000;
    bool root = false;  // then processes change to owner and confine themselves
    std::string owner;  // mail_owner
    std::string group;  // setgid_group
};

std::string main_cf_text(const InstanceFacts& facts);
std::string master_cf_text(const InstanceFacts& facts);

}  // namespace malleposte
