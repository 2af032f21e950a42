#include "lib/dkim/header_fields.h"

#include <algorithm>

#include "lib/message/header.h"
#include "lib/text/text.h"

namespace dkim {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Unfolded, runs of blanks made one space, none at the ends.
void append_relaxed_value(std::string& out, std::string_view value) {
    const std::size_t begin = out.size();
    bool blank = false;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const char c = value[i];
        if (c == '\n' || (c == '\r' && i + 1 < value.size() && value[i + 1] == '\n'))
            continue;
        if (is_blank(c)) {
            blank = true;
            continue;
        }
        if (blank && out.size() > begin)
            out += ' ';
        blank = false;
        out += c;
    }
}

}  // namespace

HeaderFields::HeaderFields(std::string_view header) {
    message::HeaderReader reader(header);
    while (auto field = reader.next()) {
        if (!field->name.empty())
            by_name_[text::lower(field->name)].push_back(fields_.size());
        fields_.push_back({text::lower(field->name), field->body, field->raw});
    }
}

const std::vector<std::size_t>& HeaderFields::named(std::string_view name) const {
    static const std::vector<std::size_t> kNone;
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? kNone : found->second;
}

std::vector<const Field*> HeaderFields::select(const std::vector<std::string>& names) const {
    std::map<std::string_view, std::size_t> used;
    std::vector<const Field*> chosen;
    for (const std::string& name : names) {
        const auto& places = named(name);
        std::size_t& count = used[name];
        if (count < places.size())
            chosen.push_back(&fields_[places[places.size() - ++count]]);
    }
    return chosen;
}

void append_canonical(std::string& out, Canon canon, const Field& field) {
    if (canon == Canon::relaxed) {
        out += field.name;
        out += ':';
        append_relaxed_value(out, field.body);
    } else {
        std::string_view raw = field.raw;
        if (raw.ends_with('\n'))
            raw.remove_suffix(raw.ends_with("\r\n") ? 2 : 1);
        out += raw;
    }
    out += "\r\n";
}

void append_unsigned(std::string& out, Canon canon, const Field& field, std::size_t value_begin, std::size_t value_end) {
    std::string body(field.body.substr(0, value_begin));
    body += field.body.substr(value_end);
    if (canon == Canon::relaxed) {
        out += field.name;
        out += ':';
        append_relaxed_value(out, body);
    } else {
        out += field.raw.substr(0, static_cast<std::size_t>(field.body.data() - field.raw.data()));
        out += body;
    }
}

}  // namespace dkim
