#include "lib/dmarc/json.h"

#include <algorithm>

#include "lib/text/text.h"

namespace dmarc {
namespace {

void append_utf8(std::string& out, unsigned code) {
    const auto put = [&](unsigned octet) { out += static_cast<char>(octet); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | code >> 6);
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    }
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::expected<Json, std::string> read() {
        Json value;
        if (read_value(value, 0)) {
            skip_blanks();
            if (at_ == text_.size())
                return value;
            fail("something behind the end");
        }
        return std::unexpected("octet " + std::to_string(at_) + ": " + problem_);
    }

  private:
    bool fail(const char* problem) {
        if (problem_.empty())
            problem_ = problem;
        return false;
    }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }
    void skip_blanks() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
            ++at_;
    }

    bool read_value(Json& out, std::size_t depth) {
        if (depth > kMaxJsonDepth)
            return fail("nested too deep");
        if (++values_ > kMaxJsonValues)
            return fail("too many values");
        skip_blanks();
        switch (peek()) {
        case '{': return read_list(out, depth, Json::Kind::object, '}');
        case '[': return read_list(out, depth, Json::Kind::array, ']');
        case '"': out.kind = Json::Kind::string; return read_string(out.text);
        case 't': return read_word(out, "true", Json::Kind::boolean);
        case 'f': return read_word(out, "false", Json::Kind::boolean);
        case 'n': return read_word(out, "null", Json::Kind::null);
        default: return read_number(out);
        }
    }

    bool read_word(Json& out, std::string_view word, Json::Kind kind) {
        if (text_.substr(at_, word.size()) != word)
            return fail("no JSON value");
        at_ += word.size();
        out.kind = kind;
        out.text = word;
        return true;
    }

    bool read_digits() {
        const std::size_t begin = at_;
        while (text::is_digit(peek()))
            ++at_;
        return at_ > begin;
    }

    bool read_number(Json& out) {
        const std::size_t begin = at_;
        take('-');
        if (!take('0') && !read_digits())
            return fail("no JSON value");
        if (take('.') && !read_digits())
            return fail("a number that ends in a dot");
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            if (!take('+'))
                take('-');
            if (!read_digits())
                return fail("an exponent without digits");
        }
        out.kind = Json::Kind::number;
        out.text = text_.substr(begin, at_ - begin);
        return true;
    }

    bool read_hex(unsigned& code) {
        code = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = text::to_lower(peek());
            if (!text::is_digit(c) && (c < 'a' || c > 'f'))
                return fail("\\u without four hexadecimal digits");
            code = code * 16 + static_cast<unsigned>(text::is_digit(c) ? c - '0' : c - 'a' + 10);
        }
        return true;
    }

    bool read_escape(std::string& out) {
        static constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
        const char letter = peek();
        if (const std::size_t place = kLetters.find(letter); letter != '\0' && place != std::string_view::npos) {
            out += kMeanings[place];
            ++at_;
            return true;
        }
        unsigned code = 0;
        if (!take('u') || !read_hex(code))
            return fail("an unknown escape");
        if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_, 2) == "\\u") {
            at_ += 2;
            unsigned low = 0;
            if (!read_hex(low))
                return false;
            code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
        }
        append_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
        return true;
    }

    bool read_string(std::string& out) {
        if (!take('"'))
            return fail("a string should begin here");
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"')
                return true;
            if (static_cast<unsigned char>(c) < ' ')
                return fail("a control character in a string");
            if (c != '\\')
                out += c;
            else if (!read_escape(out))
                return false;
        }
        return fail("a string without end");
    }

    bool read_list(Json& out, std::size_t depth, Json::Kind kind, char close) {
        out.kind = kind;
        ++at_;
        skip_blanks();
        if (take(close))
            return true;
        do {
            skip_blanks();
            if (kind == Json::Kind::object) {
                if (!read_string(out.names.emplace_back()))
                    return false;
                skip_blanks();
                if (!take(':'))
                    return fail("a name without \":\"");
            }
            if (!read_value(out.items.emplace_back(), depth + 1))
                return false;
            skip_blanks();
        } while (take(','));
        return take(close) || fail("a list without end");
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t values_ = 0;
    std::string problem_;
};

}  // namespace

const Json& Json::operator[](std::string_view name) const {
    static const Json kNull;
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? kNull : items[static_cast<std::size_t>(found - names.begin())];
}

unsigned long long Json::count() const { return kind == Kind::number ? text::parse_number(text).value_or(0) : 0; }

std::expected<Json, std::string> parse_json(std::string_view text) { return Reader(text).read(); }

}  // namespace dmarc
