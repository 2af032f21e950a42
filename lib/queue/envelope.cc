#include "lib/queue/envelope.h"

#include "lib/fields/kept.h"

namespace queue {

std::string encode_envelope(const Envelope& envelope) {
    std::string out;
    out.reserve(256 + envelope.recipients.size() * 80);
    fields::kept::encode_row(out, envelope);
    return out;
}

std::expected<Envelope, std::string> decode_envelope(std::string_view bytes) {
    if (bytes.size() > kMaxEnvelope)
        return std::unexpected("the envelope is too long");
    Envelope envelope;
    if (!fields::kept::decode_row(bytes, envelope) || envelope.mail.ret > envelope::Ret::headers)
        return std::unexpected("the envelope ends inside a field");
    if (envelope.queue_id.empty())
        return std::unexpected("the envelope has no queue id");
    return envelope;
}

}  // namespace queue
