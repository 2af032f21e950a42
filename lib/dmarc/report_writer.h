// lib/dmarc/report_writer.h - an aggregate report as XML, and the message that carries it.
//
// Standards   RFC 7489, 7.2.1 and appendix C
// Failure     none. What XML cannot hold (control characters, broken UTF-8) becomes "?".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/dmarc/report.h"

namespace dmarc {

std::string write_report(const Report& report);

struct ReportMail {
    std::string submitter;        // our domain
    std::string from;             // address
    std::vector<std::string> to;  // addresses
    std::int64_t now = 0;
    std::string message_id;  // without < >
};
// A whole message in CR LF form with the report as gzip file.
std::string write_report_mail(const Report& report, const ReportMail& mail, const std::string& gzip_file);

// "receiver!domain!begin!end.xml.gz"
std::string report_file_name(const Report& report, const std::string& submitter);

}  // namespace dmarc
