#include "lib/queue/status.h"

#include <algorithm>

#include "lib/fields/bytes.h"
#include "lib/fields/kept.h"
#include "lib/queue/crc32c.h"

namespace queue {
namespace {

using fields::put_int;
using fields::Reader;

constexpr std::uint32_t kMagic = 0x54535152;  // "RQST" in the file
constexpr std::size_t kHeader = 12;           // magic, length, checksum of length and payload
constexpr std::size_t kMaxPayload = 64 << 10;
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kLeast = 4 + 1 + 8 + 4 * 4;  // up to the remote's words: so much was always there

bool decode_payload(std::string_view payload, std::size_t recipient_count, Status& status) {
    if (!fields::kept::decode_item(payload, status) || payload.size() < kLeast)
        return false;
    const auto outcome = static_cast<int>(status.outcome);
    if (outcome < 1 || outcome > static_cast<int>(Outcome::delay_reported) || status.action > envelope::Action::passed_on)
        return false;
    return status.recipient < recipient_count || status.recipient == kWholeMessage;
}

}  // namespace

std::string encode_status(Status status) {
    for (std::string* text : {&status.dsn, &status.text, &status.relay, &status.remote_reply})
        text->resize(std::min(text->size(), kMaxText));
    std::string payload;
    fields::kept::encode_item(payload, status);

    std::string length;
    put_int(length, static_cast<std::uint32_t>(payload.size()));
    std::string out;
    put_int(out, kMagic);
    out += length;
    put_int(out, crc32c(payload, crc32c(length)));
    return out + payload;
}

Statuses decode_statuses(std::string_view bytes, std::size_t recipient_count) {
    Statuses found;
    while (bytes.size() - found.valid_bytes >= kHeader) {
        Reader reader{bytes.substr(found.valid_bytes)};
        const auto magic = reader.take_int<std::uint32_t>();
        const std::string_view raw_length = bytes.substr(found.valid_bytes + 4, 4);
        const auto length = reader.take_int<std::uint32_t>();
        const auto checksum = reader.take_int<std::uint32_t>();
        if (magic != kMagic || length > kMaxPayload || length > reader.left())
            break;
        const std::string_view payload = reader.take_bytes(length);
        Status status;
        if (checksum != crc32c(payload, crc32c(raw_length)) || !decode_payload(payload, recipient_count, status))
            break;
        found.records.push_back(std::move(status));
        found.valid_bytes += kHeader + length;
    }
    return found;
}

}  // namespace queue
