// lib/dmarc/record.h - the TXT record at _dmarc.domain.
//
// Standards   RFC 7489, 6.3 and 6.4; RFC 9091 (np); RFC 9989 (psd, t); RFC 6068 (mailto)
// Failure     no value for text that is no DMARC record, or one that asks for nothing. Errors in single tags do not matter:
//             those tags have their defaults then, as RFC 7489, 6.3 wants it.
// Trust       the record is a stranger's; report addresses are limited to kMaxReportUris.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dmarc {

inline constexpr std::size_t kMaxReportUris = 20;

enum class Policy { none, quarantine, reject };
std::string_view policy_name(Policy policy);
std::optional<Policy> parse_policy(std::string_view word);

enum class Alignment { relaxed, strict };

// One entry of rua= or ruf=.
struct ReportUri {
    std::string address;           // of a mailto: URI, decoded; other kinds of URI are left out
    std::uint64_t max_octets = 0;  // "!10m"; 0: no limit said
};

struct Record {
    Policy policy = Policy::none;          // p=
    std::optional<Policy> subdomains;      // sp=
    std::optional<Policy> nonexistent;     // np=
    Alignment dkim = Alignment::relaxed;   // adkim=
    Alignment spf = Alignment::relaxed;    // aspf=
    unsigned percent = 100;                // pct=
    bool testing = false;                  // t=y
    std::optional<bool> is_public_suffix;  // psd=y, psd=n; none: psd=u
    std::vector<ReportUri> aggregate;      // rua=
    std::vector<ReportUri> failure;        // ruf=
    std::string failure_options = "0";     // fo=
    std::uint32_t interval = 86400;        // ri=, seconds
};

// Whether the text begins as a DMARC record does. A name with other TXT records beside it has a DMARC record all the same.
bool is_record(std::string_view text);
std::optional<Record> parse_record(std::string_view text);

// The list in rua= and ruf=.
std::vector<ReportUri> parse_report_uris(std::string_view list);

}  // namespace dmarc
