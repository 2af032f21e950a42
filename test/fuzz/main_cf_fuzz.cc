// Feeds main.cf: parsing, expansion of every value, and the checks of the common parameters.
#include <cstddef>
#include <cstdint>

#include "lib/config/check.h"
#include "lib/config/common_params.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    config::MainCf cf = config::MainCf::parse(text, "main.cf");
    for (const auto& [name, setting] : cf.settings())
        cf.get(name);
    config::HostParams params;
    params.load(cf);
    config::check_names(cf, config::MasterCf(), {"myhostname"});
    return 0;
}
