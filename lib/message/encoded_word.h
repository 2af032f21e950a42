// lib/message/encoded_word.h - field bodies with encoded words, as readable UTF-8.
//
// Standards   RFC 2047, 2 and 6.2; RFC 2231, 5 (language suffix)
// Failure     what is not a well-formed encoded word, or has an unknown charset, stays as written.
// Trust       the text comes from strangers. The result is for comparing, never to be put back into
//             a header: it may hold line ends and NUL.
#pragma once

#include <string>
#include <string_view>

namespace message {

// The unfolded body with its encoded words decoded.
std::string decode_header(std::string_view body);

}  // namespace message
