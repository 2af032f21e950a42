// lib/ipc/records/dmarc.h - what one message was by DMARC, for the report that the domain's owner gets.
//
// Sender      smtpd, over private/dmarc-report.
// Receiver    dmarc-report.
// The talk    observations, one behind the other; there is no answer, and a lost one is one message missing in a figure.
// Trust       smtpd talks to strangers, and most of this is what strangers wrote: dmarc-report checks names and bounds
//             lengths before anything goes into a report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/record.h"

namespace ipc::records {

struct DmarcReportUri {
    std::string address;
    std::uint64_t max_octets = 0;  // 0: no limit

    static constexpr std::string_view kRecord = "dmarc_report_uri/1";
    static constexpr auto fields() {
        return ipc::FieldList{
            ipc::field("address", &DmarcReportUri::address), ipc::field("max_octets", &DmarcReportUri::max_octets)};
    }
};

// The policy that was found.
struct DmarcPolicy {
    std::string domain;  // where the record is
    std::string p, sp, np;
    std::string adkim, aspf;  // "r", "s"
    std::uint32_t percent = 100;
    std::string testing;           // "y", "n", or empty
    std::string discovery_method;  // "psl", "treewalk"
    std::string fo;
    std::vector<DmarcReportUri> report_to;

    static constexpr std::string_view kRecord = "dmarc_policy/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("domain", &DmarcPolicy::domain), ipc::field("p", &DmarcPolicy::p),
            ipc::field("sp", &DmarcPolicy::sp), ipc::field("np", &DmarcPolicy::np), ipc::field("adkim", &DmarcPolicy::adkim),
            ipc::field("aspf", &DmarcPolicy::aspf), ipc::field("percent", &DmarcPolicy::percent),
            ipc::field("testing", &DmarcPolicy::testing), ipc::field("discovery_method", &DmarcPolicy::discovery_method),
            ipc::field("fo", &DmarcPolicy::fo), ipc::field("report_to", &DmarcPolicy::report_to)};
    }
};

struct DmarcReason {
    std::string type;
    std::string comment;

    static constexpr std::string_view kRecord = "dmarc_reason/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("type", &DmarcReason::type), ipc::field("comment", &DmarcReason::comment)};
    }
};

struct DmarcDkim {
    std::string domain;
    std::string selector;
    std::string result;

    static constexpr std::string_view kRecord = "dmarc_dkim/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("domain", &DmarcDkim::domain), ipc::field("selector", &DmarcDkim::selector),
            ipc::field("result", &DmarcDkim::result)};
    }
};

// What distinguishes one row of a report from another; messages that are alike in all of it are counted together.
struct DmarcRow {
    std::string source_ip;
    std::string disposition;  // "none", "quarantine", "reject"
    std::string dkim, spf;    // "pass", "fail": aligned
    std::vector<DmarcReason> reasons;
    std::string envelope_from;
    std::string header_from;
    std::vector<DmarcDkim> dkim_results;
    std::string spf_domain;
    std::string spf_scope;  // "mfrom", "helo"
    std::string spf_result;

    static constexpr std::string_view kRecord = "dmarc_row/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("source_ip", &DmarcRow::source_ip),
            ipc::field("disposition", &DmarcRow::disposition), ipc::field("dkim", &DmarcRow::dkim),
            ipc::field("spf", &DmarcRow::spf), ipc::field("reasons", &DmarcRow::reasons),
            ipc::field("envelope_from", &DmarcRow::envelope_from), ipc::field("header_from", &DmarcRow::header_from),
            ipc::field("dkim_results", &DmarcRow::dkim_results), ipc::field("spf_domain", &DmarcRow::spf_domain),
            ipc::field("spf_scope", &DmarcRow::spf_scope), ipc::field("spf_result", &DmarcRow::spf_result)};
    }
};

struct DmarcObservation {
    std::int64_t time = 0;  // seconds since 1970
    DmarcPolicy policy;
    DmarcRow row;

    static constexpr std::string_view kRecord = "dmarc_observation/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("time", &DmarcObservation::time), ipc::field("policy", &DmarcObservation::policy),
            ipc::field("row", &DmarcObservation::row)};
    }
};

}  // namespace ipc::records
