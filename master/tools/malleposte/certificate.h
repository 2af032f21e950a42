// master/tools/malleposte/certificate.h - a self-made certificate for a private instance.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace malleposte {

// Writes an EC P-256 key (mode 0600) and a certificate for the names and 127.0.0.1, valid for ten years.
std::expected<void, std::string> make_certificate(
    const std::vector<std::string>& names, const std::string& key_file, const std::string& certificate_file);

}  // namespace malleposte
