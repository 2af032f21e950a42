// lib/command/set_gid.h - why a command of users does not reach the queue: it lacks setgid_group.
#pragma once

#include <string>

namespace command {

// What is missing for this process to use `folder` (where users reach the queue), and what to do about it, for a message.
// Empty where its user or its group may use the folder, or nothing is known of it.
std::string missing_group(const std::string& folder, const std::string& setgid_group);

}  // namespace command
