// Feeds the readers of DMARC: records, report addresses, the domains in From.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/dkim/signature.h"
#include "lib/dmarc/author.h"
#include "lib/dmarc/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto record = dmarc::parse_record(text)) {
        if (!dmarc::is_record(text) || record->percent > 100 || record->aggregate.size() > dmarc::kMaxReportUris)
            std::abort();
    }
    for (const dmarc::ReportUri& uri : dmarc::parse_report_uris(text)) {
        // One plain address, whatever the record says: it becomes a header field and an envelope.
        if (uri.address.find_first_of(" \t\r\n<>,;") != std::string::npos || uri.address.find('@') == std::string::npos)
            std::abort();
    }
    for (const std::string& domain : dmarc::find_authors({text}).domains)
        if (dkim::to_a_labels(domain) != domain)
            std::abort();
    return 0;
}
