#include "lib/imap/describe.h"

#include <array>
#include <optional>

#include "lib/imap/format.h"
#include "lib/message/address_list.h"
#include "lib/message/header.h"

namespace imap {
namespace {

using message::Part;
using message::Structure;

constexpr std::size_t kMaxEnvelopeField = 65536;

enum Field { kDate, kSubject, kFrom, kSender, kReplyTo, kTo, kCc, kBcc, kInReplyTo, kMessageId, kFieldCount };
constexpr std::array<std::string_view, kFieldCount> kFieldNames = {
    "date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc", "in-reply-to", "message-id"};

using Fields = std::array<std::optional<std::string>, kFieldCount>;

Fields envelope_fields(std::string_view header) {
    Fields fields;
    message::HeaderReader reader(header);
    std::size_t budget = 4 * kMaxEnvelopeField;
    while (std::optional<message::HeaderField> field = reader.next()) {
        for (std::size_t i = 0; i < kFieldCount; ++i) {
            if (!message::equal_ignoring_case(field->name, kFieldNames[i]))
                continue;
            std::string value = message::unfold(field->body.substr(0, std::min(budget, kMaxEnvelopeField)));
            budget -= std::min(budget, value.size());
            bool joins = i == kTo || i == kCc || i == kBcc;  // repeated by some senders
            if (!fields[i])
                fields[i] = std::move(value);
            else if (joins && fields[i]->size() < kMaxEnvelopeField)
                *fields[i] += "," + value;
            break;
        }
    }
    return fields;
}

void append_addresses(std::string& out, const std::optional<std::string>& body) {
    std::vector<message::Address> list;
    if (body)
        list = message::parse_address_list(*body);
    if (list.empty()) {
        out += "NIL";
        return;
    }
    out += '(';
    for (const message::Address& address : list) {
        using Kind = message::Address::Kind;
        out += '(';
        append_nstring(out, address.name);
        out += ' ';
        append_nstring(out, address.route);
        out += ' ';
        if (address.kind == Kind::group_end)
            out += "NIL";
        else
            append_string(out, address.mailbox);
        out += ' ';
        if (address.kind == Kind::mailbox)
            append_string(out, address.host);
        else
            out += "NIL";
        out += ')';
    }
    out += ')';
}

void append_envelope(std::string& out, std::string_view header) {
    Fields fields = envelope_fields(header);
    // RFC 3501, 7.4.2: absent or empty Sender and Reply-To are those of From.
    for (Field absent : {kSender, kReplyTo}) {
        if (!fields[absent] || fields[absent]->empty())
            fields[absent] = fields[kFrom];
    }
    out += '(';
    append_nstring(out, fields[kDate]);
    out += ' ';
    append_nstring(out, fields[kSubject]);
    for (Field list : {kFrom, kSender, kReplyTo, kTo, kCc, kBcc}) {
        out += ' ';
        append_addresses(out, fields[list]);
    }
    out += ' ';
    append_nstring(out, fields[kInReplyTo]);
    out += ' ';
    append_nstring(out, fields[kMessageId]);
    out += ')';
}

void append_parameters(std::string& out, const std::vector<message::Parameter>& parameters) {
    if (parameters.empty()) {
        out += "NIL";
        return;
    }
    out += '(';
    bool first = true;
    for (const message::Parameter& parameter : parameters) {
        if (!first)
            out += ' ';
        first = false;
        append_string(out, parameter.name);
        out += ' ';
        append_string(out, parameter.value);
    }
    out += ')';
}

void append_or_nil(std::string& out, const std::string& value) {
    if (value.empty())
        out += "NIL";
    else
        append_string(out, value);
}

// Walks the tree without recursion: each part is opened, then its children, then it is closed.
class Describer {
  public:
    Describer(const Structure& structure, std::string_view text, bool extended)
        : structure_(structure), text_(text), extended_(extended) {}

    std::string run() {
        std::uint32_t here = 0;
        open(here);
        for (;;) {
            const Part& part = structure_.parts[here];
            if (part.first_child != Part::kNone) {
                here = part.first_child;
                open(here);
                continue;
            }
            while (here != 0 && structure_.parts[here].next_sibling == Part::kNone) {
                here = structure_.parts[here].parent;
                close(here);
            }
            if (here == 0)
                return std::move(out_);
            here = structure_.parts[here].next_sibling;
            open(here);
        }
    }

  private:
    void open(std::uint32_t index) {
        const Part& part = structure_.parts[index];
        out_ += '(';
        switch (part.kind) {
        case Part::Kind::leaf: leaf(part); break;
        case Part::Kind::multipart:
            if (part.child_count == 0) {  // the grammar wants at least one
                out_ += R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)";
                if (extended_)
                    out_ += " NIL NIL NIL NIL";
                out_ += ')';
                close(index);
            }
            break;
        case Part::Kind::message: {
            basic_fields(part, "message", part.subtype);
            out_ += ' ';
            const Part& inner = structure_.parts[part.first_child];
            append_envelope(out_, text_.substr(inner.header.raw, inner.body.raw - inner.header.raw));
            out_ += ' ';
            break;
        }
        }
    }

    void close(std::uint32_t index) {
        const Part& part = structure_.parts[index];
        if (part.kind == Part::Kind::multipart) {
            out_ += ' ';
            append_string(out_, part.subtype);
            if (extended_) {
                out_ += ' ';
                append_parameters(out_, part.parameters);
                extension_fields(part);
            }
        } else if (part.kind == Part::Kind::message) {
            out_ += ' ';
            append_number(out_, part.body_lines());
            leaf_extension(part);
        }
        out_ += ')';
    }

    void leaf(const Part& part) {
        std::string_view type = part.type;
        std::string_view subtype = part.subtype;
        if (type == "multipart") {  // without a usable boundary it is text (RFC 2045, 5.2)
            type = "text";
            subtype = "plain";
        } else if (type == "message" && (subtype == "rfc822" || subtype == "global")) {
            type = "application";  // encoded, or nested too deeply to be opened
            subtype = "octet-stream";
        }
        basic_fields(part, type, subtype);
        if (type == "text") {
            out_ += ' ';
            append_number(out_, part.body_lines());
        }
        leaf_extension(part);
        out_ += ')';
    }

    void basic_fields(const Part& part, std::string_view type, std::string_view subtype) {
        append_string(out_, type);
        out_ += ' ';
        append_string(out_, subtype);
        out_ += ' ';
        if (type == "text" && part.parameters.empty())
            out_ += R"(("charset" "us-ascii"))";  // RFC 2045, 5.2
        else
            append_parameters(out_, part.parameters);
        out_ += ' ';
        append_or_nil(out_, part.id);
        out_ += ' ';
        append_or_nil(out_, part.description);
        out_ += ' ';
        append_string(out_, part.encoding.empty() ? "7bit" : part.encoding);
        out_ += ' ';
        append_number(out_, part.body_octets());
    }

    void leaf_extension(const Part& part) {
        if (!extended_)
            return;
        out_ += ' ';
        append_or_nil(out_, part.md5);
        extension_fields(part);
    }

    void extension_fields(const Part& part) {
        out_ += ' ';
        if (part.disposition.value.empty()) {
            out_ += "NIL";
        } else {
            out_ += '(';
            append_string(out_, part.disposition.value);
            out_ += ' ';
            append_parameters(out_, part.disposition.parameters);
            out_ += ')';
        }
        out_ += ' ';
        if (part.languages.empty()) {
            out_ += "NIL";
        } else {
            out_ += '(';
            for (std::size_t i = 0; i < part.languages.size(); ++i) {
                if (i > 0)
                    out_ += ' ';
                append_string(out_, part.languages[i]);
            }
            out_ += ')';
        }
        out_ += ' ';
        append_or_nil(out_, part.location);
    }

    const Structure& structure_;
    std::string_view text_;
    bool extended_;
    std::string out_;
};

}  // namespace

std::string format_envelope(std::string_view header) {
    std::string out;
    append_envelope(out, header);
    return out;
}

std::string format_body_structure(const Structure& structure, std::string_view text, bool extended) {
    return Describer(structure, text, extended).run();
}

}  // namespace imap
