// master/tools/malleposte/templates.h - the configuration that init writes.
#pragma once

#include <string>

namespace malleposte {

struct InstanceFacts {
    std::string directory;  // absolute
    std::string domain;
    int port_base = 10000;
    bool root = false;                              // then processes change to their owners and confine themselves
    std::string owner = "malleposte";               // mail_owner
    std::string network_owner = "malleposte-net";   // its parameter
    std::string secrets_owner = "malleposte-auth";  // its parameter
    std::string group = "postdrop";                 // setgid_group
};

std::string main_cf_text(const InstanceFacts& facts);
std::string master_cf_text(const InstanceFacts& facts);

}  // namespace malleposte
