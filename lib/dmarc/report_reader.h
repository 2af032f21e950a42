// lib/dmarc/report_reader.h - reads the XML of an aggregate report.
//
// Elements that are not known are passed over, as both RFCs ask for.
//
// Standards   RFC 7489, appendix C; RFC 9990
// Failure     a reason with the line.
// Trust       reports come from anybody. There is no document type and there are no entities: a file that has them is
//             refused. Depth, rows and lengths are bounded.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "lib/dmarc/report.h"

namespace dmarc {

inline constexpr std::size_t kMaxReportRows = 100'000;
inline constexpr std::size_t kMaxReportText = 2000;  // of one element; the rest is cut
inline constexpr std::size_t kMaxReportDepth = 32;

std::expected<Report, std::string> read_report(std::string_view xml);

}  // namespace dmarc
