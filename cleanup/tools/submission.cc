#include "cleanup/tools/submission.h"

#include <utility>

#include "lib/address/mailbox_list.h"
#include "lib/message/header.h"
#include "lib/text/text.h"

namespace tools {
namespace {

constexpr std::size_t kMaxFields = 4 << 20;  // of addresses in all recipient fields
constexpr std::size_t kMaxPiece = 32768;     // a longer line is passed on in pieces

std::string_view without_end(std::string_view line) {
    if (line.ends_with('\n'))
        line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

}  // namespace

void Submission::note_header_line(std::string_view line) {
    if (line.empty()) {
        in_header_ = false;
        return;
    }
    const bool first = std::exchange(first_line_, false);
    if (!message::belongs_to_header(line, first)) {
        in_header_ = false;
        return;
    }
    if (line.front() != ' ' && line.front() != '\t') {
        const std::size_t colon = line.find(':');
        const std::string name = text::lower(line.substr(0, message::field_name_length(line)));
        target_ = name == "to" || name == "cc" || name == "bcc"                        ? &fields_
                  : name == "resent-to" || name == "resent-cc" || name == "resent-bcc" ? &resent_fields_
                                                                                       : nullptr;
        if (target_ != nullptr && !target_->empty())
            *target_ += ", ";
        line.remove_prefix(name.empty() ? line.size() : colon + 1);  // empty: a mailbox separator
    }
    if (target_ != nullptr && target_->size() + line.size() < kMaxFields)
        target_->append(line).append(" ");
}

// A whole line with its end, or the last one without, or a piece of an overlong one.
bool Submission::take_line(std::string_view line, std::string& out) {
    const bool starts = !continued_;
    continued_ = !line.ends_with('\n');
    const std::string_view text = without_end(line);
    if (starts && dot_ends_ && text == ".")
        return false;
    if (extract_ && in_header_ && starts)
        note_header_line(text);
    out += text;
    if (!continued_)
        out += "\r\n";
    else if (line.ends_with('\r'))
        out += '\r';
    return true;
}

bool Submission::feed(std::string_view octets, std::string& out) {
    pending_ += octets;
    std::size_t at = 0;
    while (!ended_) {
        const std::string_view rest = std::string_view{pending_}.substr(at);
        const std::size_t end = rest.substr(0, kMaxPiece).find('\n');
        if (end == std::string_view::npos && rest.size() < kMaxPiece)
            break;
        const std::size_t size = end == std::string_view::npos ? kMaxPiece : end + 1;
        ended_ = !take_line(rest.substr(0, size), out);
        at += size;
    }
    pending_.erase(0, at);
    return !ended_;
}

void Submission::finish(std::string& out) {
    if (!ended_ && !pending_.empty()) {
        if (take_line(pending_, out))
            out += "\r\n";
    } else if (!ended_ && continued_) {
        out += "\r\n";
    }
}

std::vector<std::string> Submission::recipients() const {
    std::vector<std::string> found;
    const std::string& fields = resent_fields_.empty() ? fields_ : resent_fields_;
    for (const address::Mailbox& one : address::parse_mailbox_list(fields))
        found.push_back(one.text());
    return found;
}

}  // namespace tools
