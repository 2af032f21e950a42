// lib/dmarc/inflate.h - gzip and zip files that come with reports.
//
// Standards   RFC 1952; RFC 1951; the first file of a zip archive, stored or deflated
// Failure     a reason: damaged, or larger than `limit` when unpacked.
// Trust       senders are strangers: output stops at the limit, whatever the file promises about itself.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace dmarc {

inline constexpr std::size_t kMaxUnpacked = 64 * 1024 * 1024;

// By its first octets; what is neither gzip nor zip is returned as it is, if it is not over the limit.
std::expected<std::string, std::string> unpack(std::string_view file, std::size_t limit = kMaxUnpacked);

std::string gzip(std::string_view content);

}  // namespace dmarc
