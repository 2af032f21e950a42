// imapd/imap/fetch_body.h - the text that BODY[...] and RFC822 ask for, on its way to the client.
//
// Standards   RFC 3501, 6.4.5
// Trust       messages come from strangers; nothing is held in memory but what the message itself takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "imapd/sessions/wire.h"
#include "lib/imap/fetch.h"
#include "lib/message/structure.h"

namespace imapd {

// What a section means: a slice of the message, or text that was put together. No such part: neither.
struct SectionText {
    bool exists = false;
    std::string_view slice;
    std::uint64_t octets = 0;  // of the slice with CR LF line ends
    std::string owned;         // HEADER.FIELDS, which selects lines; slice shows it then
};

// `structure` may be null where only the message's own header is asked for.
SectionText find_section(std::string_view text, const message::Structure* structure, const imap::Section& section);

// True if the section needs no more than the message's own header.
bool needs_header_only(const imap::Section& section);

// `{n}` and the octets, line ends made CR LF, cut as the partial says.
void write_literal(sessions::Wire& wire, const SectionText& section, const std::optional<imap::Partial>& partial);

std::uint64_t octets_with_crlf(std::string_view text);

}  // namespace imapd
