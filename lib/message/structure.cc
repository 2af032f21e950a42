#include "lib/message/structure.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>

#include "lib/message/header.h"

namespace message {
namespace {

std::string_view main_value(std::string_view body) {
    // Content-Transfer-Encoding and its like may carry stray parameters and comments.
    std::string_view value = trim(body);
    return trim(value.substr(0, value.find_first_of(";( \t\r\n")));
}

void set_media_type(Part& part, std::string_view body) {
    ParameterizedValue parsed = parse_parameterized(body);
    std::size_t slash = parsed.value.find('/');
    part.has_content_type = true;
    part.parameters = std::move(parsed.parameters);
    if (slash == std::string::npos || slash == 0) {
        if (equal_ignoring_case(parsed.value, "text") || parsed.value.empty())
            return;  // "Content-Type: text" is an old way to say text/plain
        part.type = "application";
        part.subtype = "octet-stream";
        return;
    }
    part.type = lower_ascii(trim(std::string_view(parsed.value).substr(0, slash)));
    part.subtype = lower_ascii(trim(std::string_view(parsed.value).substr(slash + 1)));
    if (part.subtype.empty())
        part.subtype = "x-unknown";
}

void read_fields(Part& part, std::string_view header) {
    HeaderReader reader(header);
    while (std::optional<HeaderField> field = reader.next()) {
        if (field->name.size() < 10 || (field->name[0] | 0x20) != 'c' ||
            !equal_ignoring_case(field->name.substr(0, 8), "content-"))
            continue;
        std::string_view name = field->name.substr(8);
        if (equal_ignoring_case(name, "type")) {
            if (!part.has_content_type)
                set_media_type(part, field->body);
        } else if (equal_ignoring_case(name, "transfer-encoding")) {
            part.encoding = main_value(field->body);
        } else if (equal_ignoring_case(name, "id")) {
            part.id = unfold(field->body);
        } else if (equal_ignoring_case(name, "description")) {
            part.description = unfold(field->body);
        } else if (equal_ignoring_case(name, "disposition")) {
            part.disposition = parse_parameterized(field->body);
        } else if (equal_ignoring_case(name, "md5")) {
            part.md5 = unfold(field->body);
        } else if (equal_ignoring_case(name, "language")) {
            part.languages = parse_token_list(field->body);
        } else if (equal_ignoring_case(name, "location")) {
            part.location = unfold(field->body);
        }
    }
}

class Parser {
  public:
    Parser(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

    Structure run() {
        open_part(Part::kNone, here_);
        while (here_.raw < text_.size())
            take_line();
        if (in_header_)
            end_header(here_);
        while (!open_.empty())
            close_part(here_);
        return std::move(structure_);
    }

  private:
    struct Open {
        std::uint32_t part;
        std::uint32_t last_child = Part::kNone;
        std::string boundary;  // of a multipart whose end has not been seen
    };
    struct Match {
        std::size_t level;
        bool closing;
    };

    Part& part(std::uint32_t index) { return structure_.parts[index]; }
    Part& current() { return part(open_.back().part); }

    void take_line() {
        std::size_t feed = text_.find('\n', here_.raw);
        std::size_t end = feed == std::string_view::npos ? text_.size() : feed + 1;
        std::string_view line = text_.substr(here_.raw, end - here_.raw);
        std::size_t content = line.size();
        if (line.ends_with('\n'))
            --content;
        bool crlf = content < line.size() && content > 0 && line[content - 1] == '\r';
        if (crlf)
            --content;

        Position next = here_;
        next.raw = end;
        next.lines += content < line.size() ? 1 : 0;
        next.bare += content < line.size() && !crlf ? 1 : 0;

        std::optional<Match> match = match_boundary(line.substr(0, content));
        if (match)
            take_boundary(*match, next);
        else
            look_for_header_end(line, next);
        // Where the body would end if a boundary followed this line.
        line_content_end_ = here_;
        line_content_end_.raw += content;
        here_ = next;
    }

    // More than once where the message inside a part has no header at all.
    void look_for_header_end(std::string_view line, const Position& next) {
        while (in_header_ && !line.empty() && !belongs_to_header(line, here_.raw == current().header.raw)) {
            const bool empty = line == "\n" || line == "\r\n";
            end_header(empty ? next : here_);
            if (empty)
                return;
        }
    }

    // RFC 2046, 5.1.1: "--", the boundary, perhaps "--", blanks. The innermost one wins.
    std::optional<Match> match_boundary(std::string_view line) const {
        if (boundaries_.empty() || line.size() < 3 || line[0] != '-' || line[1] != '-')
            return std::nullopt;
        if (line.size() > limits_.boundary + 4096)
            return std::nullopt;
        line.remove_prefix(2);
        std::size_t last = line.find_last_not_of(" \t");
        if (last == std::string_view::npos)
            return std::nullopt;
        line = line.substr(0, last + 1);
        std::optional<Match> best;
        if (auto found = boundaries_.find(std::string(line)); found != boundaries_.end())
            best = Match{found->second.back(), false};
        if (line.ends_with("--")) {
            auto found = boundaries_.find(std::string(line.substr(0, line.size() - 2)));
            if (found != boundaries_.end() && (!best || found->second.back() > best->level))
                best = Match{found->second.back(), true};
        }
        return best;
    }

    void take_boundary(Match match, const Position& next) {
        bool room = structure_.parts.size() < limits_.parts;
        if (!match.closing && !room)
            return;  // too many parts: the rest stays in the last one
        if (in_header_)
            end_header(here_);
        while (open_.size() > match.level + 1)
            close_part(line_content_end_);
        in_header_ = false;
        if (match.closing)
            forget_boundary();
        else
            open_part(open_.back().part, next);
    }

    void open_part(std::uint32_t parent, const Position& at) {
        auto index = static_cast<std::uint32_t>(structure_.parts.size());
        structure_.parts.emplace_back();
        Part& opened = structure_.parts.back();
        opened.parent = parent;
        opened.header = opened.body = opened.end = at;
        if (parent != Part::kNone) {
            Open& above = open_.back();
            if (above.last_child == Part::kNone)
                part(parent).first_child = index;
            else
                part(above.last_child).next_sibling = index;
            above.last_child = index;
            ++part(parent).child_count;
            // RFC 2046, 5.1.5: in a digest the default is message/rfc822.
            if (part(parent).kind == Part::Kind::multipart && part(parent).subtype == "digest") {
                opened.type = "message";
                opened.subtype = "rfc822";
            }
        }
        open_.push_back(Open{index, Part::kNone, {}});
        in_header_ = true;
    }

    // The header of the innermost part is over, its body begins at `at`.
    void end_header(const Position& at) {
        in_header_ = false;
        Part& ended = current();
        ended.body = ended.end = at;
        std::uint64_t length = at.raw - ended.header.raw;
        read_fields(ended, text_.substr(ended.header.raw, std::min<std::uint64_t>(length, limits_.header)));

        bool may_nest = open_.size() < limits_.depth;
        if (ended.type == "multipart") {
            std::string_view boundary = ended.parameters.empty() ? std::string_view() : ended_boundary(ended);
            if (may_nest && !boundary.empty() && boundary.size() <= limits_.boundary) {
                ended.kind = Part::Kind::multipart;
                open_.back().boundary = boundary;
                boundaries_[open_.back().boundary].push_back(open_.size() - 1);
            }
        } else if (ended.type == "message" && (ended.subtype == "rfc822" || ended.subtype == "global")) {
            if (may_nest && structure_.parts.size() < limits_.parts && is_identity(ended.encoding)) {
                ended.kind = Part::Kind::message;
                open_part(open_.back().part, at);
            }
        }
    }

    static std::string_view ended_boundary(const Part& multipart) {
        std::string_view boundary = multipart.find_boundary_text();
        std::size_t last = boundary.find_last_not_of(" \t");
        return last == std::string_view::npos ? std::string_view() : boundary.substr(0, last + 1);
    }

    // RFC 2046, 5.2.1 allows only these for message/rfc822; an encoded one is opaque.
    static bool is_identity(std::string_view encoding) {
        return !equal_ignoring_case(encoding, "base64") && !equal_ignoring_case(encoding, "quoted-printable");
    }

    void close_part(const Position& at) {
        Part& closed = current();
        // The line end before a boundary belongs to the boundary, unless it ended the header.
        closed.end = at.raw > closed.body.raw ? at : closed.body;
        forget_boundary();
        open_.pop_back();
    }

    void forget_boundary() {
        Open& top = open_.back();
        if (top.boundary.empty())
            return;
        auto found = boundaries_.find(top.boundary);
        found->second.pop_back();
        if (found->second.empty())
            boundaries_.erase(found);
        top.boundary.clear();
    }

    std::string_view text_;
    const Limits& limits_;
    Structure structure_;
    std::vector<Open> open_;
    std::unordered_map<std::string, std::vector<std::size_t>> boundaries_;
    Position here_;
    Position line_content_end_;
    bool in_header_ = false;
};

}  // namespace

std::string_view Part::find_boundary_text() const {
    for (const Parameter& parameter : parameters) {
        if (parameter.name == "boundary")
            return parameter.value;
    }
    return {};
}

const Part* Structure::nested_message(const Part& part) const {
    if (part.kind != Part::Kind::message || part.first_child == Part::kNone)
        return nullptr;
    return &parts[part.first_child];
}

const Part* Structure::find(std::span<const std::uint32_t> path) const {
    const Part* here = &root();
    bool is_message = true;  // `here` is a whole message: its first number counts inside it
    for (std::uint32_t number : path) {
        if (!is_message) {
            if (const Part* inner = nested_message(*here)) {
                here = inner;
                is_message = true;
            }
        }
        if (here->kind == Part::Kind::multipart) {
            if (number == 0 || number > here->child_count)
                return nullptr;
            const Part* child = &parts[here->first_child];
            for (std::uint32_t i = 1; i < number; ++i)
                child = &parts[child->next_sibling];
            here = child;
        } else if (!is_message || number != 1) {
            return nullptr;
        }
        is_message = false;
    }
    return here;
}

Structure parse_structure(std::string_view text, const Limits& limits) { return Parser(text, limits).run(); }

}  // namespace message
