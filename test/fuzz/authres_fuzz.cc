// Feeds the reader of Authentication-Results. What was read and written must be read the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/authres/authres.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    authres::claims_to_be(text, "mx.example.test");
    const auto header = authres::parse(text);
    if (!header)
        return 0;
    if (!authres::claims_to_be(text, header->authserv_id) && !header->authserv_id.ends_with('.'))
        std::abort();
    // Control characters are made harmless when written, so the second reading decides.
    const auto second = authres::parse(authres::format(*header));
    if (!second || second->results.size() != header->results.size())
        std::abort();
    const auto third = authres::parse(authres::format(*second));
    if (!third || *third != *second)
        std::abort();
    return 0;
}
