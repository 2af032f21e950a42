// lib/queue/envelope.h - who sent a message and who shall get it, as one queue file keeps it.
//
// The encoded form is a row of fields, each a type byte, a four byte length and that many bytes. A field type
// that is not known is skipped, so that an older program can read a newer file. Every text is kept by length:
// no address, host name or reply of a stranger can look like a field.
//
// Failure     decode_envelope() gives a reason instead of a value.
// Trust       decode_envelope() believes nothing: lengths, counts and the number of recipients are bounded.
// See also    malleposte-queue-file(5); lib/queue/queue_file.h adds the checksums.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace queue {

// RFC 3461, 4.1: which reports a sender wants; a set.
enum Notify : std::uint32_t { kNotifyNever = 1, kNotifySuccess = 2, kNotifyFailure = 4, kNotifyDelay = 8 };

// RFC 3461, 4.3: how much of the message a report returns.
enum class Return : std::uint8_t { unspecified = 0, full = 1, headers = 2 };

// The same numbers as in lib/ipc/records/cleanup.h.
enum EnvelopeFlag : std::uint32_t {
    kSmtpUtf8 = 1,       // RFC 6531: the addresses or the header need SMTPUTF8
    kEightBit = 2,       // BODY=8BITMIME was declared, RFC 6152
    kLocalOrigin = 4,    // rewritten in the local context
    kInternalMail = 16,  // made here (a report): never answered
};

struct Recipient {
    std::string address;   // where it goes, after all rewriting
    std::string original;  // as the client gave it
    std::string orcpt;     // RFC 3461 original recipient, still in xtext
    std::uint32_t notify = 0;
};

// The client as the server saw it; for log lines and reports.
struct ClientInfo {
    std::string name;
    std::string address;
    std::string port;
    std::string helo;
    std::string protocol;
    std::string sasl_method;
    std::string sasl_username;
    std::string sasl_sender;
};

struct Envelope {
    std::string queue_id;
    std::int64_t arrival_us = 0;  // microseconds since 1970, UTC
    std::string sender;           // "" is the null sender
    std::string envid;            // RFC 3461, still in xtext
    Return returns = Return::unspecified;
    std::uint32_t flags = 0;
    std::string full_name;  // in maildrop/ only: of the person who ran sendmail
    ClientInfo client;
    std::vector<Recipient> recipients;
};

inline constexpr std::size_t kMaxEnvelope = 256u << 20;

std::string encode_envelope(const Envelope& envelope);
std::expected<Envelope, std::string> decode_envelope(std::string_view bytes);

}  // namespace queue
