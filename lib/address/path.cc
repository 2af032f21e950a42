#include "lib/address/path.h"

#include "lib/text/text.h"

namespace address {
namespace {

// RFC 5321, 4.5.3.1 asks that at least 64 and 255 octets be understood. Longer local parts exist (VERP, SRS), and are
// let through where nobody asked to be strict.
constexpr std::size_t kStrictLocal = 64;
constexpr std::size_t kStrictPath = 256;
constexpr std::size_t kMaxLocal = 512;
constexpr std::size_t kMaxArgument = 8192;

constexpr std::string_view kAtomSpecials = "!#$%&'*+-/=?^_`{|}~";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

using Wrong = std::unexpected<std::string>;
Wrong wrong(const char* why) { return Wrong(why); }

class Reader {
  public:
    Reader(std::string_view text, const PathOptions& options) : text_(text), options_(options) {}

    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool take(char c) {
        if (at_end() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }
    void skip_blanks() {
        while (!at_end() && is_blank(text_[at_]))
            ++at_;
    }
    std::size_t position() const { return at_; }
    void go_to(std::size_t position) { at_ = position; }
    std::string_view rest() const { return text_.substr(at_); }

    // "@a,@b:" in front of an address (RFC 5321, appendix C: accepted and ignored).
    std::expected<bool, std::string> take_route() {
        if (peek() != '@')
            return false;
        do {
            skip_blanks();
            if (!take('@'))
                return wrong("malformed source route");
            if (auto domain = take_domain(); !domain)
                return Wrong(domain.error());
        } while (take(','));
        if (!take(':'))
            return wrong("source route without an address behind it");
        return true;
    }

    std::expected<Mailbox, std::string> take_mailbox() {
        Mailbox mailbox;
        auto local = peek() == '"' ? take_quoted() : take_dots_and_atoms();
        if (!local)
            return Wrong(local.error());
        mailbox.local = std::move(*local);
        // RFC 5321, 4.1.2: the length limit is on the local part without its quotes.
        if (mailbox.local.size() > (options_.strict ? kStrictLocal : kMaxLocal))
            return wrong("local part too long");
        if (!take('@')) {
            if (options_.strict && !text::equal_ignoring_case(mailbox.local, "postmaster"))
                return wrong("no domain");  // RFC 5321, 4.1.1.3: only postmaster may stand alone
            return mailbox;
        }
        auto domain = take_domain();
        if (!domain)
            return Wrong(domain.error());
        mailbox.domain = std::move(*domain);
        return mailbox;
    }

  private:
    bool is_atom_char(char c) const {
        return text::is_alnum(c) || kAtomSpecials.find(c) != std::string_view::npos || is_allowed_high(c);
    }
    bool is_allowed_high(char c) const { return options_.utf8 && static_cast<unsigned char>(c) >= 0x80; }

    std::expected<std::string, std::string> take_dots_and_atoms() {
        std::size_t start = at_;
        bool bad_dot = peek() == '.';
        while (!at_end() && (is_atom_char(text_[at_]) || text_[at_] == '.')) {
            if (text_[at_] == '.' && at_ > start && text_[at_ - 1] == '.')
                bad_dot = true;
            ++at_;
        }
        std::string local(text_.substr(start, at_ - start));
        bad_dot = bad_dot || local.ends_with('.');
        if (local.empty())
            return wrong("empty or malformed local part");
        if (local.find_first_not_of('.') == std::string::npos)
            return wrong("local part of dots");
        if (bad_dot && options_.strict)
            return wrong("misplaced dot in the local part");
        if (options_.utf8 && !is_valid_utf8(local))
            return wrong("malformed UTF-8");
        return local;
    }

    std::expected<std::string, std::string> take_quoted() {
        std::string local;
        ++at_;
        while (!at_end() && text_[at_] != '"') {
            if (text_[at_] == '\\' && ++at_ == text_.size())
                break;
            char c = text_[at_];
            unsigned char octet = static_cast<unsigned char>(c);
            if (octet < 0x20 || octet == 0x7f || (octet >= 0x80 && !options_.utf8))
                return wrong("character not allowed in a quoted local part");
            local += c;
            ++at_;
        }
        if (!take('"'))
            return wrong("unclosed quote");
        if (local.empty())
            return wrong("empty local part");
        if (options_.utf8 && !is_valid_utf8(local))
            return wrong("malformed UTF-8");
        return local;
    }

    std::expected<std::string, std::string> take_domain() {
        std::size_t start = at_;
        if (peek() == '[') {
            std::size_t close = text_.find(']', at_);
            if (close == std::string_view::npos)
                return wrong("unclosed address literal");
            at_ = close + 1;
            std::string literal(text_.substr(start, at_ - start));
            if (!is_address_literal(literal))
                return wrong("malformed address literal");
            return literal;
        }
        while (!at_end() && (text::is_alnum(text_[at_]) || text_[at_] == '-' || text_[at_] == '.' || text_[at_] == '_' ||
                                is_allowed_high(text_[at_])))
            ++at_;
        std::string_view domain = text_.substr(start, at_ - start);
        if (!options_.strict && domain.size() > 1 && domain.ends_with('.'))
            domain.remove_suffix(1);
        if (!is_valid_domain(domain, options_.utf8))
            return wrong("malformed domain");
        return std::string(domain);
    }

    std::string_view text_;
    const PathOptions& options_;
    std::size_t at_ = 0;
};

// Behind the address nothing may follow but blank space and parameters.
std::expected<Path, std::string> finish(Path path, std::string_view rest) {
    if (!rest.empty() && !is_blank(rest.front()))
        return wrong("garbage behind the address");
    path.parameters = text::trim(rest);
    return path;
}

std::expected<Path, std::string> parse_bracketed(Reader& reader, const PathOptions& options) {
    Path path;
    std::size_t start = reader.position();
    reader.take('<');
    if (!options.strict)
        reader.skip_blanks();
    if (reader.take('>'))
        return finish(std::move(path), reader.rest());
    auto route = reader.take_route();
    if (!route)
        return Wrong(route.error());
    path.had_route = *route;
    auto mailbox = reader.take_mailbox();
    if (!mailbox)
        return Wrong(mailbox.error());
    path.mailbox = std::move(*mailbox);
    if (!options.strict)
        reader.skip_blanks();
    if (!reader.take('>'))
        return wrong("malformed address");
    if (options.strict && reader.position() - start > kStrictPath)
        return wrong("path too long");
    return finish(std::move(path), reader.rest());
}

}  // namespace

std::expected<Path, std::string> parse_path(std::string_view argument, const PathOptions& options) {
    if (argument.size() > kMaxArgument)
        return wrong("argument too long");
    Reader reader(argument, options);
    if (!options.strict)
        reader.skip_blanks();
    if (reader.peek() == '<')
        return parse_bracketed(reader, options);
    if (options.strict)
        return wrong("no angle brackets around the address");
    // "Some Name <user@example.test>": the phrase says nothing that matters.
    std::size_t open = argument.find('<');
    std::size_t phrase_end = argument.find_first_of("@=");
    if (open != std::string_view::npos && (phrase_end == std::string_view::npos || open < phrase_end)) {
        reader.go_to(open);
        return parse_bracketed(reader, options);
    }
    Path path;
    auto route = reader.take_route();
    if (!route)
        return Wrong(route.error());
    path.had_route = *route;
    auto mailbox = reader.take_mailbox();
    if (!mailbox)
        return Wrong(mailbox.error());
    path.mailbox = std::move(*mailbox);
    return finish(std::move(path), reader.rest());
}

std::expected<Mailbox, std::string> parse_mailbox(std::string_view text, const PathOptions& options) {
    Reader reader(text, options);
    auto mailbox = reader.take_mailbox();
    if (!mailbox)
        return mailbox;
    if (!reader.at_end())
        return wrong("garbage behind the address");
    return mailbox;
}

}  // namespace address
