// Zone files (RFC 1035, 5), and RDATA from its written form.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

#include "lib/dns/name.h"
#include "lib/dns/zone_data.h"
#include "lib/text/text.h"

namespace dns {
namespace {

using Words = std::vector<Word>;
using Failure = std::unexpected<std::string>;

const std::map<std::string_view, Type> kTypes = {{"A", Type::a}, {"AAAA", Type::aaaa}, {"MX", Type::mx}, {"TXT", Type::txt},
    {"PTR", Type::ptr}, {"CNAME", Type::cname}, {"TLSA", Type::tlsa}, {"SPF", Type::txt}};
// Types that a zone may have and nobody here asks for.
constexpr std::array kOtherTypes = {"SOA", "NS", "CAA", "SRV", "DS", "DNSKEY", "RRSIG", "NSEC", "NSEC3", "LOC", "HINFO",
    "NAPTR", "SSHFP", "DNAME", "NSEC3PARAM", "RP", "CDS", "CDNSKEY", "SVCB", "HTTPS", "URI", "OPENPGPKEY", "SMIMEA"};

bool is_other_type(std::string_view word) {
    for (std::string_view type : kOtherTypes)
        if (text::equal_ignoring_case(word, type))
            return true;
    return false;
}

std::expected<std::string, std::string> complete(std::string_view name, std::string_view origin) {
    std::string whole(name);
    if (name == "@")
        whole = origin;
    else if (!name.ends_with('.') && origin != ".")
        whole += "." + std::string(origin);
    auto wire = encode_name(whole);
    if (!wire)
        return Failure(fmt::format("\"{}\" is not a domain name", name));
    return *wire;
}

// Octets of a string: \DDD and \c.
std::string unescaped(std::string_view text) {
    std::string octets;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\' || at + 1 >= text.size()) {
            octets += text[at];
            continue;
        }
        auto code = text::parse_number(text.substr(at + 1, 3));
        if (text::is_digit(text[at + 1]) && code && *code < 256 && at + 3 < text.size()) {
            octets += static_cast<char>(*code);
            at += 3;
        } else {
            octets += text[++at];
        }
    }
    return octets;
}

std::expected<std::string, std::string> encode_address(Type type, const Words& words) {
    bool v4 = type == Type::a;
    std::string text = words.size() == 1 ? words[0].text : "", rdata(v4 ? 4 : 16, '\0');
    if (::inet_pton(v4 ? AF_INET : AF_INET6, text.c_str(), rdata.data()) != 1)
        return Failure(fmt::format("\"{}\" is not an IPv{} address", text, v4 ? 4 : 6));
    return rdata;
}

std::expected<std::string, std::string> encode_tlsa(const Words& words) {
    if (words.size() < 4)
        return Failure("TLSA wants usage, selector, matching type and data");
    std::string rdata;
    for (std::size_t i = 0; i < 3; ++i) {
        auto number = text::parse_number(words[i].text);
        if (!number || *number > 255)
            return Failure(fmt::format("\"{}\" is no number up to 255", words[i].text));
        rdata += static_cast<char>(*number);
    }
    std::string hex;
    for (std::size_t i = 3; i < words.size(); ++i)
        hex += text::lower(words[i].text);
    if (hex.size() % 2 != 0 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
        return Failure("the data of a TLSA record is not hexadecimal");
    auto digit = [](char c) { return text::is_digit(c) ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i < hex.size(); i += 2)
        rdata += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
    return rdata;
}

}  // namespace

std::expected<std::string, std::string> encode_rdata(Type type, const Words& words, std::string_view origin) {
    switch (type) {
    case Type::a:
    case Type::aaaa: return encode_address(type, words);
    case Type::tlsa: return encode_tlsa(words);
    case Type::ptr:
    case Type::cname:
        if (words.size() != 1)
            return Failure("one name is wanted");
        return complete(words[0].text, origin);
    case Type::mx: {
        auto preference = words.size() == 2 ? text::parse_number(words[0].text) : std::nullopt;
        if (!preference || *preference > 65535)
            return Failure("MX wants a number up to 65535 and a name");
        auto host = complete(words[1].text, origin);
        if (!host)
            return host;
        return std::string{static_cast<char>(*preference >> 8), static_cast<char>(*preference & 255)} + *host;
    }
    case Type::txt: {
        std::string rdata;
        for (const Word& word : words) {
            std::string octets = unescaped(word.text);
            if (octets.size() > 255)
                return Failure("a string of a TXT record is longer than 255 octets; split it into several");
            rdata += static_cast<char>(octets.size());
            rdata += octets;
        }
        if (words.empty())
            return Failure("TXT wants at least one string");
        return rdata;
    }
    }
    return Failure("records of this type cannot be written");
}

namespace {

// Cuts a zone file into entries: lines, joined where parentheses say so.
class ZoneFile {
  public:
    ZoneFile(std::string_view text, ZoneData& data) : text_(text), data_(data) {}

    std::expected<void, std::string> parse() {
        while (at_ < text_.size()) {
            std::size_t first_line = line_;
            Words words;
            bool indented = text_[at_] == ' ' || text_[at_] == '\t';
            auto read = read_entry(words);
            if (read && !words.empty())
                read = take_entry(std::move(words), indented);
            if (!read)
                return Failure(fmt::format("line {}: {}", first_line, read.error()));
        }
        return {};
    }

  private:
    std::expected<void, std::string> read_entry(Words& words) {
        int depth = 0;
        while (at_ < text_.size()) {
            char c = text_[at_];
            if (c == '\n') {
                ++at_;
                ++line_;
                if (depth == 0)
                    return {};
            } else if (c == ' ' || c == '\t' || c == '\r') {
                ++at_;
            } else if (c == ';') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (c == '(') {
                ++depth, ++at_;
            } else if (c == ')') {
                ++at_;
                if (--depth < 0)
                    return Failure("a closing parenthesis without an opening one");
            } else if (auto word = c == '"' ? read_quoted() : read_word(); word) {
                words.push_back(std::move(*word));
            } else {
                return Failure(word.error());
            }
        }
        if (depth > 0)
            return Failure("an opening parenthesis is never closed");
        return {};
    }

    std::expected<Word, std::string> read_quoted() {
        Word word;
        word.quoted = true;
        for (++at_; at_ < text_.size(); ++at_) {
            char c = text_[at_];
            if (c == '"') {
                ++at_;
                return word;
            }
            if (c == '\n')
                break;
            word.text += c;
            if (c == '\\' && at_ + 1 < text_.size())
                word.text += text_[++at_];
        }
        return Failure("a quoted string is not closed on its line");
    }

    std::expected<Word, std::string> read_word() {
        Word word;
        for (; at_ < text_.size(); ++at_) {
            char c = text_[at_];
            if (std::string_view(" \t\r\n;()\"").find(c) != std::string_view::npos)  // what read_entry() knows
                break;
            word.text += c;
            if (c == '\\' && at_ + 1 < text_.size())
                word.text += text_[++at_];
        }
        return word;
    }

    static bool is_ttl(std::string_view word) {
        return !word.empty() && text::is_digit(word[0]) &&
               word.find_first_not_of("0123456789smhdwSMHDW") == std::string_view::npos;
    }

    std::expected<void, std::string> take_directive(const Words& words) {
        if (text::equal_ignoring_case(words[0].text, "$ORIGIN") && words.size() == 2) {
            auto name = complete(words[1].text, origin_);
            if (!name)
                return Failure(name.error());
            origin_ = decode_name(*name).value_or("") + ".";
            return {};
        }
        if (text::equal_ignoring_case(words[0].text, "$TTL") && words.size() == 2 && is_ttl(words[1].text))
            return {};  // answers from a file do not grow old
        return Failure(fmt::format("the directive {} is unknown or incomplete", words[0].text));
    }

    std::expected<void, std::string> take_entry(Words words, bool indented) {
        if (!indented && words[0].text.starts_with('$') && !words[0].quoted)
            return take_directive(words);
        std::size_t next = 0;
        if (!indented) {
            auto owner = complete(words[next++].text, origin_);
            if (!owner)
                return Failure(owner.error());
            owner_ = unescaped(decode_name(*owner).value_or(""));
        } else if (owner_.empty()) {
            return Failure("an entry without a name, and none before it");
        }
        while (next < words.size() && (is_ttl(words[next].text) || text::equal_ignoring_case(words[next].text, "IN")))
            ++next;
        if (next >= words.size())
            return Failure("an entry without a type");
        std::string type = text::upper(words[next++].text);
        auto known = kTypes.find(type);
        if (known == kTypes.end()) {
            if (!is_other_type(type))
                return Failure(fmt::format("\"{}\" is no type of record", type));
            data_.add_name(owner_);
            return {};
        }
        words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(next));
        auto rdata = encode_rdata(known->second, words, origin_);
        if (!rdata)
            return Failure(rdata.error());
        data_.add_rdata(owner_, known->second, std::move(*rdata));
        return {};
    }

    std::string_view text_;
    ZoneData& data_;
    std::size_t at_ = 0, line_ = 1;
    std::string origin_ = ".", owner_;
};

}  // namespace

std::expected<void, std::string> parse_zone_file(std::string_view text, ZoneData& data) {
    return ZoneFile(text, data).parse();
}

}  // namespace dns
