// lib/message/transfer.h - base64 and quoted-printable, as bodies and encoded words use them.
//
// Standards   RFC 2045, 6.7 and 6.8
// Failure     none: what is no legal encoding is skipped (base64) or kept (quoted-printable).
// Trust       the text comes from strangers; the result is never longer than the input.
#pragma once

#include <string>
#include <string_view>

namespace message {

std::string decode_base64(std::string_view text);
std::string decode_quoted_printable(std::string_view text);

// The "Q" encoding of RFC 2047, 4.2.
std::string decode_q(std::string_view text);

// By the value of Content-Transfer-Encoding; an unknown one means the text as it is.
std::string decode_transfer(std::string_view text, std::string_view encoding);

}  // namespace message
