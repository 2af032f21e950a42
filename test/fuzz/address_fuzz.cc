// Feeds the address parsers: SMTP paths, header fields. What was read once must be read the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/address/path.h"
#include "lib/message/address_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    for (bool strict : {false, true}) {
        for (bool utf8 : {false, true}) {
            auto path = address::parse_path(text, {.strict = strict, .utf8 = utf8});
            if (!path || path->mailbox.empty())
                continue;
            auto again = address::parse_path("<" + path->mailbox.quoted() + ">", {.strict = false, .utf8 = true});
            if (!again || again->mailbox != path->mailbox)
                std::abort();
            if (address::parse_text(path->mailbox.text()) != path->mailbox && !path->mailbox.domain.empty())
                std::abort();
        }
    }
    for (const message::Address& found : message::parse_address_list(text)) {
        if (found.begin > found.end || found.end > text.size())
            std::abort();
        address::quote(found.mailbox + "@" + found.host);
    }
    return 0;
}
