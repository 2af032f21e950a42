// lib/dmarc/report_mail.h - the reports inside messages and files: aggregate reports, reports about single messages, about
// TLS.
//
// Standards   RFC 7489, 7.2.1.1; RFC 5965 (ARF); RFC 6591 (authentication failures); RFC 8460, 5.3 (TLS)
// Failure     a reason.
// Trust       whoever knows a report address can write to it: everything is bounded as in lib/message, lib/dmarc/inflate.h
//             and lib/dmarc/report_reader.h.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/dmarc/report.h"
#include "lib/dmarc/tls_report.h"

namespace dmarc {

// A report about one message: complaint or failed authentication.
struct Feedback {
    std::string type;  // "abuse", "auth-failure", "fraud" ...; lower case
    std::string user_agent;
    std::uint64_t version = 0;
    std::uint64_t incidents = 1;
    std::int64_t arrival_date = 0;  // seconds since 1970; 0: not said
    std::string original_envelope_id;
    std::string original_mail_from;
    std::string original_rcpt_to;
    std::string reporting_mta;  // without its type
    std::string source_ip;
    std::uint64_t source_port = 0;
    std::vector<std::string> authentication_results;  // folded as they are
    std::vector<std::string> reported_domains;
    std::vector<std::string> reported_uris;
    std::string auth_failure;  // "bodyhash", "dmarc" ...; lower case
    std::string delivery_result;
    std::string identity_alignment;
    std::string dkim_domain;
    std::string dkim_identity;
    std::string dkim_selector;
    std::string dkim_selector_dns;
    std::string dkim_adsp_dns;
    std::string dkim_canonicalized_header;
    std::string dkim_canonicalized_body;
    std::string spf_dns;
    std::string message;  // the reported message, where it came whole
    std::string headers;  // its header, where that is all that came
};

using AnyReport = std::variant<Report, Feedback, TlsReport>;

// A message, or a bare XML, JSON, gzip or zip file with an aggregate report or one about TLS.
std::expected<AnyReport, std::string> find_report(std::string_view content);

}  // namespace dmarc
