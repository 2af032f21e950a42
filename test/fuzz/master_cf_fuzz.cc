// Feeds master.cf.
#include <cstddef>
#include <cstdint>

#include "lib/config/master_cf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    config::MasterCf cf = config::MasterCf::parse(text, "master.cf");
    for (const config::Service& service : cf.services())
        service.find_override("syslog_name");
    for (const config::Problem& problem : cf.problems())
        config::format_problem(problem);
    return 0;
}
