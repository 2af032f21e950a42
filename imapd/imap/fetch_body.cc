#include "imapd/imap/fetch_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/imap/format.h"
#include "lib/message/header.h"

namespace imapd {
namespace {

using imap::Section;
using message::Part;
using message::Position;

SectionText slice_of(std::string_view text, const Position& from, const Position& to) {
    SectionText section;
    section.exists = true;
    section.slice = text.substr(from.raw, to.raw - from.raw);
    section.octets = to.octets() - from.octets();
    return section;
}

// The fields that are named, or the others, and the empty line that ends a header.
SectionText chosen_fields(std::string_view header, const Section& section) {
    bool listed = section.kind == Section::Kind::header_fields;
    SectionText result;
    message::HeaderReader reader(header);
    while (std::optional<message::HeaderField> field = reader.next()) {
        bool named = std::any_of(section.fields.begin(), section.fields.end(),
            [&](const std::string& name) { return message::equal_ignoring_case(name, field->name); });
        if (named == listed)
            result.owned += field->raw;
    }
    if (!result.owned.empty() && !result.owned.ends_with('\n'))
        result.owned += "\r\n";
    result.owned += "\r\n";
    result.exists = true;
    result.octets = octets_with_crlf(result.owned);
    return result;
}

void write_safe(sessions::Wire& wire, std::string_view octets) {
    if (octets.find('\0') == std::string_view::npos) {
        wire.write(octets);
        return;
    }
    for (; !octets.empty(); octets.remove_prefix(std::min<std::size_t>(octets.size(), 65536))) {
        std::string part(octets.substr(0, 65536));
        imap::make_literal_safe(part);
        wire.write(part);
    }
}

// Puts a CR before each bare LF; passes over `skip` octets of the result and writes `count`.
void write_with_crlf(sessions::Wire& wire, std::string_view text, std::uint64_t skip, std::uint64_t count) {
    std::string part;
    auto put = [&](std::string_view piece) {
        if (skip >= piece.size()) {
            skip -= piece.size();
            return;
        }
        piece.remove_prefix(skip);
        skip = 0;
        piece = piece.substr(0, count);
        count -= piece.size();
        part += piece;
        if (part.size() >= 65536) {
            write_safe(wire, part);
            part.clear();
        }
    };
    char before = 0;
    while (!text.empty() && count > 0) {
        std::size_t feed = text.find('\n');
        std::string_view line = text.substr(0, feed);
        put(line);
        if (!line.empty())
            before = line.back();
        if (feed == std::string_view::npos)
            break;
        if (before == '\r')
            put("\n");
        else
            put("\r\n");
        before = '\n';
        text.remove_prefix(feed + 1);
    }
    write_safe(wire, part);
}

}  // namespace

std::uint64_t octets_with_crlf(std::string_view text) {
    std::uint64_t octets = text.size();
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
        if (at == 0 || text[at - 1] != '\r')
            ++octets;
    }
    return octets;
}

bool needs_header_only(const Section& section) {
    using Kind = Section::Kind;
    bool header = section.kind == Kind::header || section.kind == Kind::header_fields ||
                  section.kind == Kind::header_fields_not;
    return header && section.path.empty();
}

SectionText find_section(std::string_view text, const message::Structure* structure, const Section& section) {
    using Kind = Section::Kind;
    if (needs_header_only(section)) {
        std::string_view header = text.substr(0, message::header_length(text));
        if (section.kind != Kind::header)
            return chosen_fields(header, section);
        SectionText result;
        result.exists = true;
        result.slice = header;
        result.octets = octets_with_crlf(header);
        return result;
    }
    const Part* part = structure->find(section.path);
    if (!part)
        return {};
    if (section.kind == Kind::whole)
        return section.path.empty() ? slice_of(text, part->header, part->end) : slice_of(text, part->body, part->end);
    if (section.kind == Kind::mime)
        return slice_of(text, part->header, part->body);
    // HEADER and TEXT are of a message: the outermost one, or the one that this part holds.
    const Part* whole = section.path.empty() ? part : structure->nested_message(*part);
    if (!whole)
        return {};
    if (section.kind == Kind::text)
        return slice_of(text, whole->body, whole->end);
    if (section.kind == Kind::header)
        return slice_of(text, whole->header, whole->body);
    return chosen_fields(text.substr(whole->header.raw, whole->body.raw - whole->header.raw), section);
}

void write_literal(sessions::Wire& wire, const SectionText& section, const std::optional<imap::Partial>& partial) {
    std::string_view text = section.owned.empty() ? section.slice : std::string_view(section.owned);
    std::uint64_t first = partial ? std::min<std::uint64_t>(partial->first, section.octets) : 0;
    std::uint64_t count = section.octets - first;
    if (partial)
        count = std::min<std::uint64_t>(count, partial->count);
    wire.write(fmt::format("{{{}}}\r\n", count));
    if (section.octets == text.size())
        write_safe(wire, text.substr(first, count));
    else
        write_with_crlf(wire, text, first, count);
}

}  // namespace imapd
