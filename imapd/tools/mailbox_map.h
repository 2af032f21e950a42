// imapd/tools/mailbox_map.h - keeps mailadm_mailbox_map in step with the users.
#pragma once

#include <expected>
#include <string>

namespace mailadm {

// Adds or removes the address's line in the text and makes the indexed form anew. Nothing happens for an empty path.
std::expected<void, std::string> add_to_map(const std::string& path, const std::string& address);
std::expected<void, std::string> remove_from_map(const std::string& path, const std::string& address);

}  // namespace mailadm
