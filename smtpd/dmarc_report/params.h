// smtpd/dmarc_report/params.h - the parameters that dmarc-report reads.
#pragma once

#include "lib/config/common_params.h"

namespace dmarc_report {

struct Params : config::CommonParams {
    config::Param<std::string> directory{*this, "dmarc_report_directory", "$data_directory/dmarc", {.min = 1},
        "The folder in which the results of DMARC wait for the day's report."};
    config::Param<std::string> from{
        *this, "dmarc_report_from", "dmarc-report@$mydomain", {.min = 3}, "The address that reports come from."};
    config::Param<std::string> submitter{*this, "dmarc_report_submitter", "$mydomain", {.min = 1},
        "The domain that reports name as the one which saw the mail."};
    config::Param<std::string> organization{
        *this, "dmarc_report_organization", "$mydomain", {.min = 1}, "Who the reports say they are from, in words."};
    config::Param<std::string> contact{
        *this, "dmarc_report_contact", "", "What the reports say about how to reach people: an address, a page."};
    config::Param<int> recipient_limit{*this, "dmarc_report_recipient_limit", 2, {.min = 1, .max = 20},
        "To how many addresses of one domain's record a report is sent."};
    config::Param<std::int64_t> size_limit{*this, "dmarc_report_size_limit", 10485760, {.min = 10000},
        "The largest report, packed, in octets. Larger ones are not sent."};
};

}  // namespace dmarc_report
