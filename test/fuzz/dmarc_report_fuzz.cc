// Feeds the reader of reports: XML, gzip and zip files, messages. What was read and written must be read the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/dmarc/inflate.h"
#include "lib/dmarc/report_mail.h"
#include "lib/dmarc/report_reader.h"
#include "lib/dmarc/report_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    constexpr std::size_t kLimit = 1 << 20;
    if (const auto unpacked = dmarc::unpack(text, kLimit); unpacked && unpacked->size() > kLimit)
        std::abort();
    dmarc::find_report(text);
    dmarc::read_tls_report(text);
    const auto report = dmarc::read_report(text);
    if (!report)
        return 0;
    const auto again = dmarc::read_report(dmarc::write_report(*report));
    if (!again || again->rows.size() != report->rows.size())
        std::abort();
    const auto third = dmarc::read_report(dmarc::write_report(*again));
    if (!third || dmarc::write_report(*third) != dmarc::write_report(*again))
        std::abort();
    return 0;
}
