#include "lib/sieve/header_index.h"

#include <algorithm>

#include "lib/message/charset.h"
#include "lib/message/encoded_word.h"
#include "lib/message/header.h"
#include "lib/message/writer.h"
#include "lib/sieve/checks.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

std::uint32_t name_hash(std::string_view name) {
    std::uint32_t hash = 2166136261U;
    for (char c : name)
        hash = (hash ^ static_cast<unsigned char>(text::to_lower(c))) * 16777619U;
    return hash;
}

constexpr std::size_t kLineLimit = 78;  // RFC 5322, 2.1.1

// Breaks a line at blanks so that it stays below the limit where it can.
std::string fold(std::string line, std::string_view line_end) {
    std::string out;
    std::size_t limit = kLineLimit;
    while (line.size() > limit) {
        std::size_t blank = line.find_last_of(" \t", limit);
        if (blank == std::string::npos || blank == 0)
            blank = line.find_first_of(" \t", limit);
        std::size_t text = blank == std::string::npos ? blank : line.find_first_not_of(" \t", blank);
        if (text == std::string::npos || line.substr(0, blank).find_first_not_of(" \t") == std::string::npos)
            break;
        out += line.substr(0, blank);
        out += line_end;
        line.erase(0, blank);
    }
    return out + line;
}

}  // namespace

std::string format_field(std::string_view name, std::string_view value, std::string_view line_end) {
    std::string body;
    std::string_view rest = value;
    // Lines that the script folded itself stay lines, each led by a blank (RFC 5293, 4).
    while (!rest.empty()) {
        std::size_t end = rest.find_first_of("\r\n");
        std::string_view line = text::trim(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (line.empty())
            continue;
        if (!body.empty())
            body += std::string(line_end) + "\t";
        body += fold(message::encode_text(line), line_end);
    }
    return fold(std::string(name) + ": " + body.substr(0, body.find(line_end)), line_end) +
           (body.find(line_end) == std::string::npos ? "" : body.substr(body.find(line_end))) + std::string(line_end);
}

HeaderIndex::HeaderIndex(std::string_view text) {
    message::HeaderReader reader(text);
    std::size_t end = 0;
    while (auto field = reader.next()) {
        end = static_cast<std::size_t>(field->raw.data() - text.data()) + field->raw.size();
        auto entry = std::make_unique<Field>();
        entry->name = field->name;
        entry->body = field->body;
        entry->raw = field->raw;
        entry->hash = name_hash(field->name);
        fields_.push_back(std::move(entry));
    }
    tail_ = text.substr(end, reader.consumed() - end);
    std::size_t newline = text.find('\n');
    if (newline != std::string_view::npos && (newline == 0 || text[newline - 1] != '\r'))
        line_end_ = "\n";
}

void HeaderIndex::find(std::string_view name, std::vector<Field*>& found) {
    found.clear();
    std::uint32_t hash = name_hash(name);
    for (const auto& field : fields_)
        if (field->hash == hash && text::equal_ignoring_case(field->name, name) && !name.empty())
            found.push_back(field.get());
}

bool HeaderIndex::exists(std::string_view name) {
    std::uint32_t hash = name_hash(name);
    return !name.empty() && std::ranges::any_of(fields_, [&](const auto& field) {
        return field->hash == hash && text::equal_ignoring_case(field->name, name);
    });
}

std::string_view HeaderIndex::value(Field& field) {
    if (field.decoded)
        return *field.decoded;
    if (field.body.find('\n') == std::string_view::npos && field.body.find("=?") == std::string_view::npos)
        return text::trim(field.body);
    field.decoded = std::string(text::trim(message::decode_header(field.body)));
    return *field.decoded;
}

const std::vector<message::Address>& HeaderIndex::addresses(Field& field) {
    if (!field.addresses)
        field.addresses = message::parse_address_list(field.body);
    return *field.addresses;
}

const message::ParameterizedValue& HeaderIndex::parameters(Field& field) {
    if (!field.parameters)
        field.parameters = message::parse_parameterized(field.body);
    return *field.parameters;
}

void HeaderIndex::add(std::string_view name, std::string_view value, bool at_end) {
    const std::string& raw = added_.emplace_back(format_field(name, value, line_end_));
    octets_ += raw.size();
    auto field = std::make_unique<Field>();
    field->raw = raw;
    field->name = std::string_view(raw).substr(0, name.size());
    field->body = std::string_view(raw).substr(name.size() + 1, raw.size() - name.size() - 1 - line_end_.size());
    field->hash = name_hash(name);
    fields_.insert(at_end ? fields_.end() : fields_.begin(), std::move(field));
    edited_ = true;
}

void HeaderIndex::remove(const std::vector<Field*>& fields) {
    if (fields.empty())
        return;
    std::erase_if(fields_, [&](const auto& field) { return std::ranges::find(fields, field.get()) != fields.end(); });
    edited_ = true;
}

std::string HeaderIndex::text() const {
    std::string out;
    for (const auto& field : fields_) {
        out += field->raw;
        if (!field->raw.ends_with('\n'))  // the last line of a message without a body
            out += line_end_;
    }
    out += tail_.empty() ? line_end_ : tail_;
    return out;
}

}  // namespace sieve
