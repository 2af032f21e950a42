// Feeds the MIME parser and what describes its tree. Offsets must nest, and count alike with both line ends.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/imap/cursor.h"
#include "lib/imap/describe.h"
#include "lib/message/charset.h"
#include "lib/message/date.h"
#include "lib/message/encoded_word.h"
#include "lib/message/header.h"
#include "lib/message/structure.h"
#include "lib/message/transfer.h"

namespace {

std::string with_crlf(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            result += '\r';
        result += text[i];
    }
    return result;
}

// A strict reader: one value, balanced, nothing behind it.
void require_readable(std::string_view answer) {
    imap::Cursor cursor(answer);
    int depth = 0;
    do {
        if (cursor.eat('('))
            ++depth;
        else if (cursor.eat(')'))
            --depth;
        else if (cursor.at_string())
            cursor.string();
        else if (!cursor.eat(' '))
            cursor.atom();
    } while (depth > 0);
    if (!cursor.at_end())
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    message::Structure structure = message::parse_structure(text);
    std::string converted = with_crlf(text);
    message::Structure again = message::parse_structure(converted);
    if (structure.parts.size() != again.parts.size())
        std::abort();
    for (std::size_t i = 0; i < structure.parts.size(); ++i) {
        const message::Part& part = structure.parts[i];
        if (part.header.raw > part.body.raw || part.body.raw > part.end.raw || part.end.raw > size)
            std::abort();
        if (part.end.octets() != again.parts[i].end.raw || part.body.octets() != again.parts[i].body.raw)
            std::abort();
        if (part.parent != message::Part::kNone && part.parent >= i)
            std::abort();
        std::string_view body = text.substr(part.body.raw, part.end.raw - part.body.raw);
        message::decode_transfer(body, part.encoding);
    }
    require_readable(imap::format_body_structure(structure, text, true));
    require_readable(imap::format_body_structure(structure, text, false));
    require_readable(imap::format_envelope(text));
    message::HeaderReader reader(text);
    while (auto field = reader.next()) {
        message::fold_for_search(message::decode_header(field->body));
        message::parse_date(field->body);
    }
    if (reader.consumed() != message::header_length(text))
        std::abort();
    return 0;
}
