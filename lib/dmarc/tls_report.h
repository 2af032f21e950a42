// lib/dmarc/tls_report.h - what another host says about its TLS connections to ours.
//
// Words are kept as they stand in the report; what is not there is empty, numbers are 0.
//
// Standards   RFC 8460, 4
// Failure     a reason.
// Trust       reports come from anybody: see lib/dmarc/json.h; policies and details are limited.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace dmarc {

inline constexpr std::size_t kMaxTlsPolicies = 1000;
inline constexpr std::size_t kMaxTlsDetails = 10'000;  // of one policy

struct TlsFailure {
    std::string result_type;
    std::string sending_ip;
    std::string receiving_ip;
    std::string receiving_mx;
    std::string receiving_helo;
    std::string additional_information;
    std::string reason_code;
    std::uint64_t sessions = 0;

    bool operator==(const TlsFailure&) const = default;
};

struct TlsPolicy {
    std::string type;  // "sts", "tlsa", "no-policy-found"
    std::vector<std::string> strings;
    std::string domain;
    std::vector<std::string> mx_hosts;
    std::uint64_t successful = 0;
    std::uint64_t failed = 0;
    std::vector<TlsFailure> failures;

    bool operator==(const TlsPolicy&) const = default;
};

struct TlsReport {
    std::string organization;
    std::string contact;
    std::string report_id;
    std::string begin;  // RFC 3339
    std::string end;
    std::vector<TlsPolicy> policies;

    bool operator==(const TlsReport&) const = default;
};

std::expected<TlsReport, std::string> read_tls_report(std::string_view json);

}  // namespace dmarc
