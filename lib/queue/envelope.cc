#include "lib/queue/envelope.h"

#include "lib/queue/bytes.h"

namespace queue {
namespace {

// The numbers are in files on disk: never change one, never use one again.
enum class Field : std::uint8_t {
    queue_id = 1,
    arrival = 2,
    sender = 3,
    envid = 4,
    returns = 5,
    flags = 6,
    recipient = 7,
    full_name = 8,
    client_name = 16,
    client_address = 17,
    client_port = 18,
    client_helo = 19,
    client_protocol = 20,
    sasl_method = 21,
    sasl_username = 22,
    sasl_sender = 23,
};

void put_field(std::string& out, Field type, std::string_view value) {
    put_int(out, static_cast<std::uint8_t>(type));
    put_string(out, value);
}

void put_present(std::string& out, Field type, std::string_view value) {
    if (!value.empty())
        put_field(out, type, value);
}

template <typename Int>
void put_number(std::string& out, Field type, Int value) {
    std::string raw;
    put_int(raw, value);
    put_field(out, type, raw);
}

void put_recipient(std::string& out, const Recipient& recipient) {
    std::string raw;
    raw.reserve(recipient.address.size() + recipient.original.size() + recipient.orcpt.size() + 16);
    put_int<std::uint32_t>(raw, recipient.notify);
    put_string(raw, recipient.address);
    put_string(raw, recipient.original == recipient.address ? std::string_view{} : recipient.original);
    put_string(raw, recipient.orcpt);
    put_field(out, Field::recipient, raw);
}

bool take_recipient(std::string_view raw, Recipient& recipient) {
    Reader reader{raw};
    recipient.notify = reader.take_int<std::uint32_t>();
    recipient.address = reader.take_string();
    recipient.original = reader.take_string();
    recipient.orcpt = reader.take_string();
    if (recipient.original.empty())
        recipient.original = recipient.address;
    return reader.ok();
}

bool take_field(Field type, std::string_view value, Envelope& envelope) {
    Reader number{value};
    switch (type) {
    case Field::queue_id: envelope.queue_id = value; return true;
    case Field::sender: envelope.sender = value; return true;
    case Field::envid: envelope.envid = value; return true;
    case Field::full_name: envelope.full_name = value; return true;
    case Field::client_name: envelope.client.name = value; return true;
    case Field::client_address: envelope.client.address = value; return true;
    case Field::client_port: envelope.client.port = value; return true;
    case Field::client_helo: envelope.client.helo = value; return true;
    case Field::client_protocol: envelope.client.protocol = value; return true;
    case Field::sasl_method: envelope.client.sasl_method = value; return true;
    case Field::sasl_username: envelope.client.sasl_username = value; return true;
    case Field::sasl_sender: envelope.client.sasl_sender = value; return true;
    case Field::arrival: envelope.arrival_us = number.take_int<std::int64_t>(); return number.ok();
    case Field::flags: envelope.flags = number.take_int<std::uint32_t>(); return number.ok();
    case Field::returns: {
        const auto raw = number.take_int<std::uint8_t>();
        envelope.returns = static_cast<Return>(raw);
        return number.ok() && raw <= 2;
    }
    case Field::recipient: return take_recipient(value, envelope.recipients.emplace_back());
    }
    return true;
}

}  // namespace

std::string encode_envelope(const Envelope& envelope) {
    std::string out;
    out.reserve(256 + envelope.recipients.size() * 80);
    put_field(out, Field::queue_id, envelope.queue_id);
    put_number(out, Field::arrival, envelope.arrival_us);
    put_field(out, Field::sender, envelope.sender);
    put_present(out, Field::envid, envelope.envid);
    if (envelope.returns != Return::unspecified)
        put_number(out, Field::returns, static_cast<std::uint8_t>(envelope.returns));
    put_number(out, Field::flags, envelope.flags);
    put_present(out, Field::full_name, envelope.full_name);
    put_present(out, Field::client_name, envelope.client.name);
    put_present(out, Field::client_address, envelope.client.address);
    put_present(out, Field::client_port, envelope.client.port);
    put_present(out, Field::client_helo, envelope.client.helo);
    put_present(out, Field::client_protocol, envelope.client.protocol);
    put_present(out, Field::sasl_method, envelope.client.sasl_method);
    put_present(out, Field::sasl_username, envelope.client.sasl_username);
    put_present(out, Field::sasl_sender, envelope.client.sasl_sender);
    for (const Recipient& recipient : envelope.recipients)
        put_recipient(out, recipient);
    return out;
}

std::expected<Envelope, std::string> decode_envelope(std::string_view bytes) {
    if (bytes.size() > kMaxEnvelope)
        return std::unexpected("the envelope is too long");
    Envelope envelope;
    Reader reader{bytes};
    while (!reader.empty()) {
        const auto type = reader.take_int<std::uint8_t>();
        const std::string_view value = reader.take_string();
        if (!reader.ok() || !take_field(static_cast<Field>(type), value, envelope))
            return std::unexpected("the envelope ends inside a field");
    }
    if (envelope.queue_id.empty())
        return std::unexpected("the envelope has no queue id");
    return envelope;
}

}  // namespace queue
