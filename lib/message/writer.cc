#include "lib/message/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/message/charset.h"
#include "lib/message/header.h"
#include "lib/text/mail_date.h"
#include "lib/text/text.h"

namespace message {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMaxBoundary = 70;  // RFC 2046, 5.1.1

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

// RFC 5322, 3.2.3, with RFC 6532, 3.2
bool is_atom_text(char c) {
    constexpr std::string_view kSpecial = "!#$%&'*+-/=?^_`{|}~";
    return text::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80 || kSpecial.find(c) != std::string_view::npos;
}

bool is_dot_atom(std::string_view text) {
    return !text.empty() && !text.starts_with('.') && !text.ends_with('.') && text.find("..") == std::string_view::npos &&
           std::ranges::all_of(text, [](char c) { return c == '.' || is_atom_text(c); });
}

// RFC 5322, 3.6.8; what does not leave room for a value in a line is none either.
bool is_field_name(std::string_view name) {
    return !name.empty() && name.size() < kFoldAt &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
}

// One line of whole characters. A run of blanks stays what it is as long as it cannot fill a line.
std::string without_line_ends(std::string_view value) {
    const std::string valid = is_ascii(value) ? std::string(value) : to_utf8(value, "utf-8").value_or("?");
    std::string line;
    std::size_t blanks = 0;
    for (char c : valid) {
        const bool line_end = c == '\r' || c == '\n';
        blanks = line_end || is_blank(c) ? blanks + 1 : 0;
        if ((line_end && blanks > 1) || blanks > kFoldAt / 2)
            continue;
        line += line_end ? ' ' : is_control(c) && c != '\t' ? '?' : c;
    }
    return line;
}

std::string one_line(std::string_view value) { return without_line_ends(text::trim(value)); }

// The most octets up to `most` that do not end inside a character.
std::size_t whole_characters(std::string_view text, std::size_t most) {
    if (text.size() <= most)
        return text.size();
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return end > 0 ? end : most;
}

std::string quoted_string(std::string_view value) {
    std::string out = "\"";
    for (char c : value) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

std::string in_comment(std::string_view value) {
    std::string out = "(";
    for (char c : value) {
        if (c == '(' || c == ')' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + ')';
}

bool needs_encoding(std::string_view line) {
    if (!is_ascii(line) || line.find("=?") != std::string_view::npos)
        return true;
    std::size_t word = 0;  // one that has to be cut, which only an encoded one can be
    return std::ranges::any_of(line, [&word](char c) {
        word = is_blank(c) ? 0 : word + 1;
        return word > kMaxLine - kFoldAt;
    });
}

std::string addr_spec(const Address& address) {
    std::string local = address.mailbox;
    std::string domain = address.host;
    std::ranges::replace_if(local, is_control, '?');
    std::ranges::replace_if(
        domain, [](char c) { return is_control(c) || std::string_view(" <>\"\\(),;").find(c) != std::string_view::npos; },
        '?');
    if (!is_dot_atom(local) && !(local.empty() && domain.empty()))
        local = quoted_string(without_line_ends(local));
    return domain.empty() ? local : local + "@" + domain;
}

// RFC 5322, 3.2.5
std::string phrase(const std::string& name) {
    if (needs_encoding(name))
        return encode_text(name, kFoldAt / 2);
    const bool atoms = std::ranges::all_of(name, [](char c) { return c == ' ' || is_atom_text(c); });
    return atoms ? name : quoted_string(name);
}

// RFC 2231, 4 where RFC 2045, 5.1 does not reach.
std::string format_parameter(const Parameter& parameter) {
    const std::string value = one_line(parameter.value);
    if (!is_ascii(value)) {
        std::string out = parameter.name + "*=utf-8''";
        for (char c : value)
            out += text::is_alnum(c) || c == '.' || c == '-' ? std::string(1, c)
                                                             : fmt::format("%{:02X}", static_cast<unsigned char>(c));
        return out;
    }
    const bool bare = !value.empty() && std::ranges::all_of(value,
                                            [](char c) { return text::is_alnum(c) || c == '-' || c == '.' || c == '_'; });
    return parameter.name + "=" + (bare ? value : quoted_string(value));
}

std::string id_text(std::string_view text) {
    std::string out(text.substr(0, kMaxLine / 4));
    std::ranges::replace_if(
        out, [](char c) { return static_cast<unsigned char>(c) >= 0x80 || (c != '.' && !is_atom_text(c)); }, '-');
    return out;
}

std::string boundary_text(std::string_view text) {
    std::string out(text.substr(0, kMaxBoundary));
    std::ranges::replace_if(
        out, [](char c) { return !text::is_alnum(c) && std::string_view("'()+_,-./:=?").find(c) == std::string_view::npos; },
        '_');
    return out;
}

}  // namespace

Address mailbox(std::string_view local, std::string_view domain) {
    Address address;
    address.mailbox = local;
    address.host = domain;
    address.is_addr_spec = true;
    return address;
}

Address mailbox(std::string_view local, std::string_view domain, std::string_view name) {
    Address address = mailbox(local, domain);
    address.name = name;
    return address;
}

std::string format_mailbox(const Address& address, NameForm form) {
    const std::string spec = addr_spec(address);
    if (!address.name)
        return spec;
    const std::string name = one_line(*address.name);
    if (form == NameForm::comment)
        return name.empty() ? spec : spec + " " + in_comment(needs_encoding(name) ? encode_text(name, kFoldAt / 2) : name);
    return name.empty() ? "<" + spec + ">" : phrase(name) + " <" + spec + ">";
}

std::string encode_text(std::string_view utf8, std::size_t room) {
    const std::string line = one_line(utf8);
    if (!needs_encoding(line))
        return line;
    constexpr std::string_view kBegin = "=?utf-8?B?";
    constexpr std::string_view kEnd = "?=";
    constexpr std::size_t kMostWord = 75;  // RFC 2047, 2
    std::string out;
    std::string_view rest = line;
    while (!rest.empty()) {
        const std::size_t letters = std::clamp(out.empty() ? room : kMostWord, std::size_t{24}, kMostWord) - kBegin.size() -
                                    kEnd.size();
        const std::size_t size = whole_characters(rest, letters / 4 * 3);
        if (!out.empty())
            out += ' ';
        out.append(kBegin).append(text::encode_base64(rest.substr(0, size))).append(kEnd);
        rest.remove_prefix(size);
    }
    return out;
}

std::string fold(std::string_view line, std::string_view indent) {
    std::string out;
    // Neither behind a field's name, for a line of a name alone is read wrongly here and there, nor behind blanks alone.
    const std::size_t colon = line.find(": ");
    std::size_t begin = colon != std::string_view::npos && line.find(' ') > colon
                            ? colon + 2
                            : std::min(line.find_first_not_of(" \t"), line.size());
    std::size_t lead = 0;
    while (line.size() + lead > kFoldAt) {
        std::size_t cut = line.find_last_of(" \t", kFoldAt - lead);
        if (cut == std::string_view::npos || cut <= begin)
            cut = line.find_first_of(" \t", begin + 1);
        std::size_t gap = 1;
        if (cut == std::string_view::npos || cut + lead > kMaxLine) {
            if (line.size() + lead <= kMaxLine)
                break;
            cut = whole_characters(line, kMaxLine - lead);
            gap = 0;
        }
        const std::string_view rest = line.substr(cut + gap);
        if (rest.find_first_not_of(" \t") == std::string_view::npos) {  // no line of blanks alone
            line = line.substr(0, cut);
            break;
        }
        out.append(line.substr(0, cut)).append(kLineEnd).append(indent);
        line = rest;
        lead = indent.size();
        begin = line.find_first_not_of(" \t");
    }
    return out.append(line).append(kLineEnd);
}

Writer& Writer::field(std::string_view name, std::string_view value) {
    if (is_field_name(name))
        out_ += fold(fmt::format("{}: {}", name, value));
    return *this;
}

Writer& Writer::text(std::string_view name, std::string_view value) {
    return field(name, encode_text(value, kFoldAt - std::min(kFoldAt, name.size() + 2)));
}

Writer& Writer::structured(std::string_view name, std::string_view value) { return field(name, one_line(value)); }

Writer& Writer::addresses(std::string_view name, const std::vector<Address>& list, NameForm form) {
    if (list.empty() || !is_field_name(name))
        return *this;
    std::string line = std::string(name) + ": ";
    for (std::size_t i = 0; i < list.size(); ++i) {
        line += format_mailbox(list[i], form) + (i + 1 < list.size() ? "," : "");
        out_ += fold(line);
        line = "\t";
    }
    return *this;
}

Writer& Writer::date(std::string_view name, std::int64_t seconds) { return field(name, text::format_mail_date(seconds)); }

Writer& Writer::message_id(std::string_view left, std::string_view right) {
    return field("Message-ID", fmt::format("<{}@{}>", id_text(left), id_text(right)));
}

Writer& Writer::parameterized(std::string_view name, std::string_view value, const std::vector<Parameter>& parameters) {
    if (!is_field_name(name))
        return *this;
    std::string line = fmt::format("{}: {}", name, one_line(value));
    for (const Parameter& parameter : parameters) {
        const std::string next = format_parameter(parameter);
        line += ';';
        if (line.size() + 1 + next.size() > kFoldAt) {
            out_ += fold(line);
            line = "\t" + next;
        } else {
            line += " " + next;
        }
    }
    out_ += fold(line);
    return *this;
}

Writer& Writer::content(std::string_view type, const std::vector<Parameter>& parameters) {
    return parameterized("Content-Type", type, parameters);
}

Writer& Writer::multipart(std::string_view subtype, std::string_view boundary, std::vector<Parameter> parameters) {
    boundary_ = boundary_text(boundary);
    parameters.push_back({"boundary", boundary_});
    return field("MIME-Version", "1.0").content(fmt::format("multipart/{}", subtype), parameters);
}

Writer& Writer::part() {
    out_ += fmt::format("\r\n--{}\r\n", boundary_);
    return *this;
}

Writer& Writer::empty_line() {
    out_ += kLineEnd;
    return *this;
}

Writer& Writer::body(std::string_view lines) {
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find_first_of("\r\n"), lines.size());
        std::string line(lines.substr(0, end));
        std::ranges::replace(line, '\0', '?');
        out_ += line.size() > kMaxLine ? fold(line, "") : line + "\r\n";
        lines.remove_prefix(end);
        if (lines.starts_with(kLineEnd))
            lines.remove_prefix(1);
        lines.remove_prefix(lines.empty() ? 0 : 1);
    }
    return *this;
}

// RFC 2045, 6.8: 76 letters a line.
Writer& Writer::base64(std::string_view octets) {
    constexpr std::size_t kOctets = 57;
    for (std::size_t at = 0; at < octets.size(); at += kOctets)
        out_ += text::encode_base64(octets.substr(at, kOctets)) + "\r\n";
    return *this;
}

std::string Writer::end_of_parts() const { return boundary_.empty() ? "" : fmt::format("\r\n--{}--\r\n", boundary_); }

std::string Writer::close() {
    out_ += end_of_parts();
    return std::exchange(out_, std::string());
}

}  // namespace message
