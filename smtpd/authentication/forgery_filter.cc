#include "smtpd/authentication/forgery_filter.h"

#include "lib/authres/authres.h"
#include "lib/text/text.h"

namespace smtpd::authentication {
namespace {

constexpr std::string_view kName = "Authentication-Results";

}  // namespace

void ForgeryFilter::take(std::string_view octets, std::string& out) {
    while (!octets.empty() && !in_body_) {
        char first = octets[0];
        bool ends_line = first == '\r' || first == '\n';
        if (at_line_start_) {
            if (after_cr_ && first == '\n') {
                hold(octets.substr(0, 1), out);
                octets.remove_prefix(1);
                after_cr_ = false;
                continue;
            }
            after_cr_ = false;
            if (ends_line || (first != ' ' && first != '\t'))
                end_field(out);
            if (ends_line) {
                in_body_ = true;
                break;
            }
            at_line_start_ = false;
        }
        // None stands alone any more (smtp::DataDecoder); if one did, it would end a line for somebody.
        std::size_t end = octets.find_first_of("\r\n");
        bool whole = end != std::string_view::npos;
        hold(octets.substr(0, whole ? end + 1 : end), out);
        if (whole) {
            at_line_start_ = true;
            after_cr_ = octets[end] == '\r';
        }
        octets.remove_prefix(whole ? end + 1 : octets.size());
    }
    out += octets;
}

void ForgeryFilter::hold(std::string_view part, std::string& out) {
    if (fate_ == Fate::dropped)
        return;
    if (fate_ == Fate::passes) {
        out += part;
        return;
    }
    held_ += part;
    bool long_enough = held_.size() > kName.size() || at_line_start_;
    bool candidate = text::starts_with_ignoring_case(held_, kName);
    if (long_enough && !candidate) {
        out += held_;
        held_.clear();
        fate_ = Fate::passes;
    } else if (held_.size() > kMaxField) {
        fate_ = is_results_field() ? Fate::dropped : Fate::passes;
        if (fate_ == Fate::dropped)
            ++removed_;
        else
            out += held_;
        held_.clear();
    }
}

// The name, perhaps with blanks behind it (RFC 5322, 4.5.8), and a colon.
bool ForgeryFilter::is_results_field() const {
    std::size_t colon = held_.find(':');
    return colon != std::string::npos &&
           text::equal_ignoring_case(text::trim(std::string_view(held_).substr(0, colon)), kName);
}

void ForgeryFilter::end_field(std::string& out) {
    if (fate_ == Fate::unknown && !held_.empty()) {
        std::string_view field = held_;
        if (is_results_field() && authres::claims_to_be(field.substr(field.find(':') + 1), authserv_id_))
            ++removed_;
        else
            out += field;
    }
    held_.clear();
    fate_ = Fate::unknown;
}

void ForgeryFilter::finish(std::string& out) {
    if (!in_body_)
        end_field(out);
}

}  // namespace smtpd::authentication
