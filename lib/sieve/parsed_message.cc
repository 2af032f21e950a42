#include "lib/sieve/parsed_message.h"

#include <algorithm>

#include "lib/message/charset.h"
#include "lib/message/header.h"
#include "lib/message/transfer.h"
#include "lib/sieve/interpreter.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

bool has_bare_lf(std::string_view text) {
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1))
        if (at == 0 || text[at - 1] != '\r')
            return true;
    return false;
}

std::string_view without_last_line_end(std::string_view text) {
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    return text;
}

std::string_view without_first_line(std::string_view text) {
    std::size_t end = text.find('\n');
    return end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
}

}  // namespace

std::string with_crlf(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        if (end == std::string_view::npos) {
            out += text;
            break;
        }
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        out += line;
        out += "\r\n";
    }
    return out;
}

Message::Message(std::string_view octets) : octets_(octets) {}
Message::~Message() = default;
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;

Message::Parsed& Message::parsed() const {
    if (parsed_ == nullptr)
        parsed_ = std::make_unique<Parsed>(octets_);
    return *parsed_;
}

std::string_view Message::header() const { return parsed().header_text(); }
std::string_view Message::body() const { return parsed().body_text(); }
std::uint64_t Message::size() const { return parsed().size(); }

Message::Parsed::Parsed(std::string_view text) : text_(text), header_length_(message::header_length(text)) {}

bool Message::Parsed::has_body() const {
    std::string_view header = header_text();
    return header == "\n" || header == "\r\n" || header.ends_with("\n\n") || header.ends_with("\n\r\n");
}

std::uint64_t Message::Parsed::size() {
    if (!size_) {
        std::uint64_t bare = 0;
        for (std::size_t at = text_.find('\n'); at != std::string_view::npos; at = text_.find('\n', at + 1))
            bare += at == 0 || text_[at - 1] != '\r';
        size_ = text_.size() + bare;
    }
    return *size_;
}

std::string_view Message::Parsed::keep(std::optional<std::string>& place, std::string value) {
    kept_ += value.size();
    place = std::move(value);
    return *place;
}

std::string_view Message::Parsed::raw_body() {
    if (raw_body_)
        return *raw_body_;
    if (!has_bare_lf(body_text()))
        return body_text();
    return keep(raw_body_, with_crlf(body_text()));
}

const message::Structure& Message::Parsed::structure() {
    if (!structure_) {
        structure_ = message::parse_structure(text_);
        parts_.resize(structure_->parts.size());
        kept_ += structure_->parts.size() * sizeof(message::Part);
    }
    return *structure_;
}

std::size_t Message::Parsed::subtree_end(std::size_t index) {
    std::size_t end = index + 1;
    const std::vector<message::Part>& parts = structure().parts;
    // A part belongs to the subtree as long as its parent does.
    while (end < parts.size() && parts[end].parent != message::Part::kNone && parts[end].parent >= index)
        ++end;
    return end;
}

Message::Parsed::Kept& Message::Parsed::kept_of(std::size_t index) {
    structure();
    return parts_.at(index);
}

std::string_view Message::Parsed::slice(std::uint64_t begin, std::uint64_t end) const {
    if (begin >= end || begin >= text_.size())
        return {};
    return text_.substr(begin, end - begin);
}

HeaderIndex& Message::Parsed::part_header(std::size_t index) {
    Kept& kept = kept_of(index);
    if (kept.header == nullptr)
        kept.header = std::make_unique<HeaderIndex>(slice(part(index).header.raw, part(index).body.raw));
    return *kept.header;
}

std::string_view Message::Parsed::part_header_text(std::size_t index) {
    Kept& kept = kept_of(index);
    if (kept.header_text)
        return *kept.header_text;
    std::string text = with_crlf(slice(part(index).header.raw, part(index).body.raw));
    if (text.ends_with("\r\n\r\n"))
        text.resize(text.size() - 2);
    return keep(kept.header_text, std::move(text));
}

bool Message::Parsed::has_known_encoding(std::size_t index) {
    std::string encoding = text::lower(text::trim(part(index).encoding));
    return encoding.empty() || encoding == "7bit" || encoding == "8bit" || encoding == "binary" ||
           encoding == "quoted-printable" || encoding == "base64";
}

bool Message::Parsed::is_type(std::size_t index, std::string_view type, std::string_view subtype) {
    const message::Part& found = part(index);
    return text::equal_ignoring_case(found.type, type) &&
           (subtype.empty() || text::equal_ignoring_case(found.subtype, subtype));
}

std::string_view Message::Parsed::content(std::size_t index) {
    Kept& kept = kept_of(index);
    if (kept.content)
        return *kept.content;
    const message::Part& found = part(index);
    std::string_view raw = slice(found.body.raw, found.end.raw);
    std::string encoding = text::lower(text::trim(found.encoding));
    bool encoded = encoding == "base64" || encoding == "quoted-printable";
    std::string decoded = encoded ? message::decode_transfer(raw, encoding) : std::string();
    std::string_view octets = encoded ? std::string_view(decoded) : raw;
    if (!is_type(index, "text", "")) {
        if (!encoded && !has_bare_lf(raw))
            return raw;
        return keep(kept.content, encoded ? std::move(decoded) : with_crlf(raw));
    }
    std::string_view charset;
    for (const message::Parameter& parameter : found.parameters)
        if (parameter.name == "charset")
            charset = parameter.value;
    bool plain = charset.empty() || text::equal_ignoring_case(charset, "utf-8") ||
                 text::equal_ignoring_case(charset, "us-ascii");
    if (!plain) {
        if (std::optional<std::string> converted = message::to_utf8(octets, charset)) {
            decoded = std::move(*converted);
            octets = decoded;
        }
    }
    if (octets.data() == raw.data() && !has_bare_lf(raw))
        return raw;
    return keep(kept.content, with_crlf(octets));
}

std::optional<std::string_view> Message::Parsed::readable(std::size_t index) {
    const message::Part& found = part(index);
    if (found.kind != message::Part::Kind::leaf || !has_known_encoding(index) ||
        found.subtype.find('/') != std::string::npos)
        return std::nullopt;
    bool html = is_type(index, "text", "html") || is_type(index, "application", "xhtml+xml");
    if (!html)
        return is_type(index, "text", "") ? std::optional(content(index)) : std::nullopt;
    Kept& kept = kept_of(index);
    if (!kept.readable)
        keep(kept.readable, html_to_text(content(index)));
    return *kept.readable;
}

std::string_view Message::Parsed::prologue(std::size_t index) {
    Kept& kept = kept_of(index);
    if (kept.prologue)
        return *kept.prologue;
    const message::Part& found = part(index);
    std::uint64_t end = found.child_count == 0 ? found.end.raw : part(found.first_child).header.raw;
    std::string_view text = slice(found.body.raw, end);
    if (found.child_count > 0) {  // the last line is the boundary
        text = without_last_line_end(text);
        std::size_t line = text.rfind('\n');
        text = line == std::string_view::npos ? std::string_view() : without_last_line_end(text.substr(0, line + 1));
    }
    return keep(kept.prologue, with_crlf(text));
}

std::string_view Message::Parsed::epilogue(std::size_t index) {
    Kept& kept = kept_of(index);
    if (kept.epilogue)
        return *kept.epilogue;
    const message::Part& found = part(index);
    std::string_view text;
    if (found.child_count > 0) {
        std::uint32_t last = found.first_child;
        while (part(last).next_sibling != message::Part::kNone)
            last = part(last).next_sibling;
        text = slice(part(last).end.raw, found.end.raw);
        std::string close = "--" + std::string(found.find_boundary_text()) + "--";
        std::string_view line = text;
        if (line.starts_with('\r'))
            line.remove_prefix(1);
        if (line.starts_with('\n'))
            line.remove_prefix(1);
        text = line.starts_with(close) ? without_first_line(line) : std::string_view();
    }
    return keep(kept.epilogue, with_crlf(text));
}

std::string Action::content(const Message& message) const {
    if (header == nullptr)
        return std::string(message.octets());
    std::string text = *header;
    text += message.body();
    return text;
}

}  // namespace sieve
