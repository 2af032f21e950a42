// lib/queue/envelope.h - who sent a message and who shall get it, as one queue file keeps it.
//
// The encoded form is a row of fields (lib/fields/kept.h), each a type octet, a four octet length and that many octets. A
// type that is not known is skipped, so that an older program can read a newer file. Every text is kept by length: no
// address, host name or reply of a stranger can look like a field.
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

#include "lib/envelope/envelope.h"

namespace queue {

struct Envelope {
    std::string queue_id;
    std::string full_name;  // in the maildrop only: of the person who ran sendmail
    envelope::Mail mail;
    std::vector<envelope::Recipient> recipients;
    // Addresses that were expanded to some of the recipients and whose sender wants to know (NOTIFY=SUCCESS).
    std::vector<envelope::Recipient> expanded;

    // The numbers are in files on disk, with those of envelope::Mail: never change one, never use one again.
    static constexpr auto fields() {
        return fields::FieldList{fields::field("queue_id", &Envelope::queue_id, 1),
            fields::field("full_name", &Envelope::full_name, 8), fields::field("mail", &Envelope::mail),
            fields::field("recipients", &Envelope::recipients, 7), fields::field("expanded", &Envelope::expanded, 9)};
    }
};

inline constexpr std::size_t kMaxEnvelope = 256u << 20;

std::string encode_envelope(const Envelope& envelope);
std::expected<Envelope, std::string> decode_envelope(std::string_view bytes);

}  // namespace queue
