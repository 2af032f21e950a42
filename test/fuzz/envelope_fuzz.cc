// What senders may ask of delivery status notifications: whatever is accepted is one line, bounded, and means the same
// again. And the row of fields in a queue file: what is read is written and read back the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/envelope/dsn.h"
#include "lib/queue/envelope.h"

namespace {

void check(bool holds) {
    if (!holds)
        std::abort();
}

bool one_printable_line(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(octets), size);
    if (const auto notify = envelope::parse_notify(text)) {
        check(*notify != 0 && envelope::is_notify(*notify));
        check(envelope::parse_notify(envelope::format_notify(*notify)) == notify);
    }
    if (const auto ret = envelope::parse_ret(text))
        check(envelope::parse_ret(envelope::format_ret(*ret)) == ret);
    if (envelope::is_envid(text))
        check(text.size() <= 100 && text.find_first_of(" =") == std::string_view::npos);
    if (const auto readable = envelope::readable_orcpt(text))
        check(text.size() <= 500 && one_printable_line(*readable) && one_printable_line(text));
    const std::string made = envelope::make_orcpt(text);
    check(one_printable_line(made) && made.find_first_of(" =") == std::string::npos);

    if (const auto envelope = queue::decode_envelope(text)) {
        const std::string again = queue::encode_envelope(*envelope);
        const auto same = queue::decode_envelope(again);
        check(same && queue::encode_envelope(*same) == again);
    }
    return 0;
}
