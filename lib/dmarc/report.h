// lib/dmarc/report.h - an aggregate report: what a receiver saw of a domain's mail in a day.
//
// Words are kept as they stand in the report; a field that was not there is empty. Numbers of what was not there are 0.
//
// Standards   RFC 7489, appendix C; RFC 9990
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dmarc {

struct ReportReason {
    std::string type;
    std::string comment;
};

struct ReportDkim {
    std::string domain;
    std::string selector;
    std::string result;
    std::string human_result;
};

struct ReportSpf {
    std::string domain;
    std::string scope;
    std::string result;
    std::string human_result;
};

struct ReportExtension {
    std::string name;
    std::string definition;
};

struct ReportRow {
    std::string source_ip;
    std::uint64_t count = 0;
    std::string disposition;
    std::string dkim;  // whether it passed and was aligned
    std::string spf;
    std::vector<ReportReason> reasons;
    std::string envelope_to;
    std::string envelope_from;
    std::string header_from;
    std::vector<ReportDkim> dkim_results;
    std::vector<ReportSpf> spf_results;
    std::vector<ReportExtension> extensions;
};

struct Report {
    std::string version;
    std::string org_name;
    std::string email;
    std::string extra_contact_info;
    std::string report_id;
    std::uint64_t begin = 0;  // seconds since 1970
    std::uint64_t end = 0;
    std::vector<std::string> errors;
    std::string generator;

    std::string domain;  // the policy that was published
    std::string version_published;
    std::string adkim;
    std::string aspf;
    std::string p;
    std::string sp;
    std::string np;
    std::string pct;
    std::string testing;
    std::string discovery_method;
    std::string fo;

    std::vector<ReportRow> rows;
    std::vector<ReportExtension> extensions;
};

}  // namespace dmarc
