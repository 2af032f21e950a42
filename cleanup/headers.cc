#include "cleanup/headers.h"

#include <algorithm>
#include <utility>

#include "cleanup/trace.h"
#include "lib/address/mailbox.h"
#include "lib/message/address_list.h"
#include "lib/message/header.h"
#include "lib/text/mail_date.h"
#include "lib/text/text.h"

namespace cleanup {
namespace {

constexpr std::size_t kPiece = message::kFieldNameRoom;  // a longer line is looked at in pieces

std::string_view without_line_end(std::string_view line) {
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n'))
        line.remove_suffix(1);
    return line;
}

bool holds_addresses(std::string_view name) {
    static constexpr std::string_view kFields[] = {
        "from", "to", "cc", "sender", "reply-to", "errors-to", "disposition-notification-to", "return-receipt-to"};
    if (name.starts_with("resent-"))
        name.remove_prefix(7);
    return std::find(std::begin(kFields), std::end(kFields), name) != std::end(kFields);
}

}  // namespace

void MessageFilter::feed(std::string_view octets, std::string& out) {
    if (part_ == Part::body) {
        line_ends_.feed(octets, out);
        return;
    }
    line_ends_.feed(octets, pending_);
    take_lines(out);
}

void MessageFilter::finish(std::string& out) {
    if (part_ == Part::header) {
        line_ends_.finish(pending_);
        take_lines(out);
    }
    if (part_ == Part::body) {
        line_ends_.finish(out);
        return;
    }
    end_field(out);
    add_missing(out);
}

void MessageFilter::take_lines(std::string& out) {
    std::size_t at = 0;
    while (part_ == Part::header && at < pending_.size()) {
        const std::string_view rest = std::string_view{pending_}.substr(at);
        const std::size_t end = rest.substr(0, kPiece).find('\n');
        if (end == std::string_view::npos && rest.size() < kPiece)
            break;
        const std::size_t size = end == std::string_view::npos ? kPiece : end + 1;
        const bool starts_line = !in_line_;
        in_line_ = end == std::string_view::npos;
        take_piece(rest.substr(0, size), starts_line, out);
        at += size;
    }
    if (part_ == Part::body) {
        out.append(pending_, at);
        pending_.clear();
        pending_.shrink_to_fit();
    } else {
        pending_.erase(0, at);
    }
}

void MessageFilter::take_piece(std::string_view piece, bool starts_line, std::string& out) {
    if (!starts_line)
        return extend_field(piece);
    const bool first = std::exchange(first_line_, false);
    if (piece == "\r\n") {
        end_header(out);
        out += piece;
    } else if ((piece.front() == ' ' || piece.front() == '\t') && !field_.empty()) {
        extend_field(piece);
    } else if (message::field_name_length(piece) > 0) {
        begin_field(piece, out);
    } else if (first && message::is_mailbox_separator(piece)) {
        field_ = "X-Mailbox-Line: ";  // a mailbox file's separator, D21
        extend_field(piece);
    } else {
        end_header(out);
        out += "\r\n";
        out += piece;
    }
}

void MessageFilter::begin_field(std::string_view piece, std::string& out) {
    end_field(out);
    extend_field(piece);
}

void MessageFilter::extend_field(std::string_view piece) {
    const std::size_t room = rules_.header_size_limit - std::min(rules_.header_size_limit, field_.size());
    truncated_ = truncated_ || piece.size() > room;
    field_.append(piece.substr(0, room));
}

void MessageFilter::end_field(std::string& out) {
    if (field_.empty())
        return;
    if (truncated_) {
        field_.resize(without_line_end(field_).size());
        field_ += "\r\n";
    }
    const std::size_t length = message::field_name_length(field_);
    const std::string name = text::lower(std::string_view{field_}.substr(0, length));
    if (std::find(rules_.drop.begin(), rules_.drop.end(), name) == rules_.drop.end()) {
        note_field(name, std::string_view{field_}.substr(field_.find(':') + 1));
        const bool rewrite = facts_.local_origin && facts_.complete && holds_addresses(name);
        out += rewrite ? completed(field_) : field_;
    }
    field_.clear();
    truncated_ = false;
}

// Only what changes is written anew: the rest of the field, its comments and folding, stays as it is.
std::string MessageFilter::completed(std::string_view field) const {
    const std::size_t value_at = field.find(':') + 1;
    const std::string_view value = field.substr(value_at);
    std::string out{field.substr(0, value_at)};
    std::size_t done = 0;
    for (const message::Address& one : message::parse_address_list(value)) {
        if (!one.is_addr_spec)
            continue;
        const std::string text = address::Mailbox{one.mailbox, one.host}.text();
        const std::string whole = facts_.complete(text);
        if (whole == text)
            continue;
        out += value.substr(done, one.begin - done);
        out += address::quote(whole);
        done = one.end;
    }
    out += value.substr(done);
    return out;
}

void MessageFilter::note_field(std::string_view name, std::string_view value) {
    struct Known {
        std::string_view name;
        unsigned seen;
    };
    static constexpr Known kKnown[] = {
        {"from", kFrom},
        {"date", kDate},
        {"message-id", kMessageId},
        {"to", kRecipient},
        {"cc", kRecipient},
        {"resent-from", kResentFrom},
        {"resent-date", kResentDate},
        {"resent-message-id", kResentMessageId},
        {"resent-to", kResentRecipient},
        {"resent-cc", kResentRecipient},
    };
    if (name == "received") {
        ++hops_;
        return;
    }
    if (name.starts_with("resent-"))
        seen_ |= kResent;
    for (const Known& known : kKnown) {
        if (known.name == name)
            seen_ |= known.seen;
    }
    if (name == "message-id")
        message_id_ = text::trim(value);
    else if (name == "resent-message-id")
        resent_message_id_ = text::trim(value);
}

void MessageFilter::end_header(std::string& out) {
    end_field(out);
    add_missing(out);
    part_ = Part::body;
}

std::string MessageFilter::from_line(std::string_view label) const {
    const std::string address = facts_.sender.empty() ? "MAILER-DAEMON" : address::quote(facts_.sender);
    std::string line{label};
    line += facts_.full_name.empty() ? address : format_phrase(facts_.full_name) + " <" + address + ">";
    return line + "\r\n";
}

void MessageFilter::add_missing(std::string& out) {
    const bool resent = (seen_ & kResent) != 0;
    const auto lacks = [&](unsigned plain, unsigned again) { return (seen_ & (resent ? again : plain)) == 0; };
    const std::string prefix = resent ? "Resent-" : "";
    if (facts_.local_origin || rules_.always_add_missing) {
        if (lacks(kMessageId, kResentMessageId)) {
            std::string& id = resent ? resent_message_id_ : message_id_;
            id = format_message_id(facts_.arrival, facts_.queue_id, rules_.myhostname);
            out += prefix + "Message-Id: " + id + "\r\n";
        }
        if (lacks(kDate, kResentDate))
            out += prefix + "Date: " + text::format_mail_date(facts_.arrival) + "\r\n";
        if (lacks(kFrom, kResentFrom))
            out += from_line(prefix + "From: ");
    }
    if (!rules_.undisclosed_recipients.empty() && lacks(kRecipient, kRecipient | kResentRecipient))
        out += rules_.undisclosed_recipients + "\r\n";
}

}  // namespace cleanup
