#include "lib/message/encoded_word.h"

#include <optional>

#include "lib/message/charset.h"
#include "lib/message/header.h"
#include "lib/message/transfer.h"

namespace message {
namespace {

constexpr std::size_t kMaxEncodedWord = 65536;

struct Word {
    std::string_view charset;
    std::string bytes;
    std::size_t length = 0;  // of the encoded form
};

// The encoded word that starts at "=?", if it is one.
std::optional<Word> read_word(std::string_view text) {
    std::size_t charset_end = text.find('?', 2);
    if (charset_end == std::string_view::npos || charset_end + 2 >= text.size() || text[charset_end + 2] != '?')
        return std::nullopt;
    std::size_t start = charset_end + 3;
    std::size_t end = text.substr(0, kMaxEncodedWord).find("?=", start);
    if (end == std::string_view::npos)
        return std::nullopt;
    Word word;
    word.charset = text.substr(2, charset_end - 2);
    word.charset = word.charset.substr(0, word.charset.find('*'));
    if (word.charset.empty() || word.charset.find_first_of(" \t") != std::string_view::npos)
        return std::nullopt;
    std::string_view encoded = text.substr(start, end - start);
    char encoding = text[charset_end + 1];
    if (encoding == 'B' || encoding == 'b')
        word.bytes = decode_base64(encoded);
    else if (encoding == 'Q' || encoding == 'q')
        word.bytes = decode_q(encoded);
    else
        return std::nullopt;
    word.length = end + 2;
    return word;
}

// Decodes runs of words. Neighbours of one charset are joined before conversion, since senders
// cut multi-byte characters in two.
class Decoder {
  public:
    explicit Decoder(std::string_view text) : text_(text) {}

    std::string run() {
        std::size_t position = 0;
        while (position < text_.size()) {
            std::size_t start = text_.find("=?", position);
            if (start == std::string_view::npos)
                break;
            std::optional<Word> word = read_word(text_.substr(start));
            std::string_view between = text_.substr(position, start - position);
            if (!word) {
                flush();
                result_ += between;
                result_ += "=?";
                position = start + 2;
                continue;
            }
            bool adjacent = pending_ && between.find_first_not_of(" \t\r\n") == std::string_view::npos;
            if (!adjacent) {
                flush();
                result_ += between;
            } else if (!equal_ignoring_case(charset_, word->charset)) {
                flush();
            }
            charset_ = word->charset;
            bytes_ += word->bytes;
            original_ += text_.substr(start, word->length);
            pending_ = true;
            position = start + word->length;
        }
        flush();
        result_ += text_.substr(position);
        return std::move(result_);
    }

  private:
    void flush() {
        if (!pending_)
            return;
        std::optional<std::string> converted = to_utf8(bytes_, charset_);
        result_ += converted ? *converted : original_;
        bytes_.clear();
        original_.clear();
        pending_ = false;
    }

    std::string_view text_;
    std::string result_;
    std::string_view charset_;
    std::string bytes_;
    std::string original_;
    bool pending_ = false;
};

}  // namespace

std::string decode_header(std::string_view body) {
    std::string line = unfold(body);
    if (line.find("=?") == std::string::npos)
        return is_ascii(line) ? line : to_utf8(line, "utf-8").value_or(line);
    return Decoder(line).run();
}

}  // namespace message
