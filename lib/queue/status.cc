#include "lib/queue/status.h"

#include "lib/queue/bytes.h"
#include "lib/queue/crc32c.h"

namespace queue {
namespace {

constexpr std::uint32_t kMagic = 0x54535152;  // "RQST" in the file
constexpr std::size_t kHeader = 12;           // magic, length, checksum of length and payload
constexpr std::size_t kMaxPayload = 64 << 10;
constexpr std::size_t kMaxText = 4096;

std::string_view cut(std::string_view text) { return text.substr(0, kMaxText); }

bool decode_payload(std::string_view payload, std::size_t recipient_count, Status& status) {
    Reader reader{payload};
    status.recipient = reader.take_int<std::uint32_t>();
    const auto outcome = reader.take_int<std::uint8_t>();
    status.outcome = static_cast<Outcome>(outcome);
    status.when = reader.take_int<std::int64_t>();
    status.dsn = reader.take_string();
    status.text = reader.take_string();
    status.relay = reader.take_string();
    status.remote_reply = reader.take_string();
    if (!reader.ok() || outcome < 1 || outcome > static_cast<int>(Outcome::delay_reported))
        return false;
    return status.recipient < recipient_count || status.recipient == kWholeMessage;
}

}  // namespace

std::string encode_status(const Status& status) {
    std::string payload;
    put_int(payload, status.recipient);
    put_int(payload, static_cast<std::uint8_t>(status.outcome));
    put_int(payload, status.when);
    put_string(payload, cut(status.dsn));
    put_string(payload, cut(status.text));
    put_string(payload, cut(status.relay));
    put_string(payload, cut(status.remote_reply));

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
