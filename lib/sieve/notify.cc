#include "lib/sieve/notify.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/message/charset.h"
#include "lib/sieve/checks.h"
#include "lib/sieve/parsed_message.h"
#include "lib/text/mail_date.h"
#include "lib/text/percent.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

using Fields = std::vector<HeaderIndex::Field*>;

constexpr std::size_t kMaxRecipients = 8;
constexpr std::size_t kSubjectCharacters = 256;

Fields fields_of(HeaderIndex& header, std::string_view name) {
    Fields fields;
    header.find(name, fields);
    return fields;
}

std::expected<std::string, std::string> percent_decode(
    std::string_view text, std::string_view extra, std::string_view where) {
    constexpr std::string_view kAlways = "-._~!$'()*+,:@";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const std::optional<char> octet = text::percent_octet(text, i);
            if (!octet || *octet == '\0')
                return std::unexpected(
                    fmt::format("the {} of the mailto URI has a % without two hexadecimal digits", where));
            out += *octet;
            i += 2;
        } else if (text::is_alnum(c) || kAlways.find(c) != std::string_view::npos ||
                   extra.find(c) != std::string_view::npos) {
            out += c;
        } else {
            return std::unexpected(fmt::format("the {} of the mailto URI holds '{}', which must be written as %{:02X}",
                where, text::printable(std::string(1, c)), static_cast<unsigned char>(c)));
        }
    }
    return out;
}

// At commas outside quoted strings.
std::vector<std::string> split_recipients(std::string_view text) {
    std::vector<std::string> out(1);
    bool quoted = false;
    for (char c : text) {
        if (c == '"')
            quoted = !quoted;
        if (c == ',' && !quoted)
            out.emplace_back();
        else
            out.back() += c;
    }
    return out;
}

std::string add_recipients(std::vector<std::string>& list, std::string_view text) {
    for (const std::string& each : split_recipients(text)) {
        std::string_view recipient = text::trim(each);
        if (recipient.empty())
            continue;
        if (!parse_script_address(recipient))
            return fmt::format("\"{}\" in the mailto URI is no address", text::printable(recipient));
        if (list.size() >= kMaxRecipients)
            return fmt::format("the mailto URI has more than {} recipients", kMaxRecipients);
        list.emplace_back(recipient);
    }
    return "";
}

// RFC 5436, 2.7, and RFC 6068, 4: what a URI may add is a short list. Every other name says who sent a message, how, or what
// others found out about it, and readers believe that.
bool may_be_added(std::string_view name) {
    constexpr auto kHarmless = std::to_array<std::string_view>({"comments", "in-reply-to", "keywords", "organization"});
    return std::ranges::find(kHarmless, text::lower(name)) != kHarmless.end();
}

std::string take_field(MailtoUri& uri, std::string_view name, const std::string& value) {
    if (text::equal_ignoring_case(name, "to"))
        return add_recipients(uri.to, value);
    if (text::equal_ignoring_case(name, "cc"))
        return add_recipients(uri.cc, value);
    if (text::equal_ignoring_case(name, "bcc"))
        return add_recipients(uri.bcc, value);
    if (text::equal_ignoring_case(name, "subject"))
        uri.subject = value;
    else if (text::equal_ignoring_case(name, "body"))
        uri.body = value;
    else if (may_be_added(name))
        uri.headers.emplace_back(name, value);
    return "";
}

std::string address_of(std::string_view written) {
    std::optional<Path> path = parse_path(written);
    return path ? path->text() : std::string();
}

bool is_null(std::string_view sender) { return address_of(sender).empty(); }

bool was_automatic(HeaderIndex& header) {
    for (HeaderIndex::Field* field : fields_of(header, "Auto-Submitted")) {
        std::string_view value = HeaderIndex::value(*field);
        if (!text::equal_ignoring_case(text::trim(value.substr(0, value.find(';'))), "no"))
            return true;
    }
    return false;
}

std::string own_address(const Envelope& envelope, const Settings& settings) {
    return settings.user_email.empty() ? address_of(envelope.to) : settings.user_email;
}

// Those that get this for the first time; the others leave the list.
void keep_new(std::vector<std::string>& list, std::vector<std::string>& notified, std::vector<std::string>& recipients) {
    std::erase_if(list, [&](const std::string& written) {
        std::string address = parse_script_address(written).value_or("");
        auto same = [&](const std::string& other) { return text::equal_ignoring_case(other, address); };
        if (address.empty() || std::ranges::any_of(notified, same))
            return true;
        notified.push_back(address);
        recipients.push_back(address);
        return false;
    });
}

std::string address_field(std::string_view name, const std::vector<std::string>& list) {
    std::string out;
    for (const std::string& each : list)
        out += (out.empty() ? std::string(name) + ": " : ",\r\n\t") + format_mailbox(each);
    return out.empty() ? out : out + "\r\n";
}

std::string importance_fields(int importance) {
    switch (importance) {  // RFC 5436, 2.7.2 and RFC 2156
    case 1: return "X-Priority: 1 (High)\r\nImportance: High\r\n";
    case 3: return "X-Priority: 5 (Low)\r\nImportance: Low\r\n";
    default: return "X-Priority: 3 (Normal)\r\nImportance: Normal\r\n";
    }
}

std::string body_fields(std::string_view body) {
    bool ascii = message::is_ascii(body);
    return fmt::format("MIME-Version: 1.0\r\nContent-Type: text/plain; charset={}\r\nContent-Transfer-Encoding: {}\r\n\r\n",
        ascii ? "us-ascii" : "utf-8", ascii ? "7bit" : "8bit");
}

std::string with_last_line_end(std::string text) {
    if (!text.empty() && !text.ends_with("\r\n"))
        text += "\r\n";
    return text;
}

}  // namespace

std::string format_mailbox(std::string_view written) {
    std::string address = parse_script_address(written).value_or(on_one_line(written));
    std::size_t open = written.find('<');
    std::string_view phrase = open == std::string_view::npos ? std::string_view() : text::trim(written.substr(0, open));
    if (phrase.empty())
        return open == std::string_view::npos ? address : "<" + address + ">";
    bool quoted = phrase.starts_with('"');
    std::string name = quoted && message::is_ascii(phrase) ? on_one_line(phrase) : on_one_line(phrase);
    if (!message::is_ascii(name))
        name = encode_header_text(quoted ? std::string_view(name).substr(1, name.size() - 2) : std::string_view(name));
    return name + " <" + address + ">";
}

bool may_write_as(std::string_view written, const Envelope& envelope, const Settings& settings) {
    if (settings.foreign_from)
        return true;
    const std::string address = parse_script_address(written).value_or("");
    const auto own = {settings.user_email, address_of(envelope.to), address_of(envelope.original_to)};
    return !address.empty() &&
           std::ranges::any_of(own, [&](const std::string& one) { return text::equal_ignoring_case(one, address); });
}

std::expected<MailtoUri, std::string> parse_mailto(std::string_view uri) {
    constexpr std::string_view kScheme = "mailto:";
    constexpr std::size_t kMaxUri = 64 * 1024;
    if (!text::starts_with_ignoring_case(uri, kScheme)) {
        std::string_view scheme = uri.substr(0, uri.find(':'));
        return std::unexpected(fmt::format(
            "there is no notification method \"{}\"; mailto is the only one", text::printable(cut_utf8(scheme, 80))));
    }
    if (uri.size() > kMaxUri)
        return std::unexpected(fmt::format("the mailto URI has {} octets; {} is the most", uri.size(), kMaxUri));
    uri.remove_prefix(kScheme.size());
    std::size_t question = uri.find('?');
    MailtoUri out;
    std::expected<std::string, std::string> to = percent_decode(uri.substr(0, question), "", "address");
    if (!to)
        return std::unexpected(to.error());
    std::string problem = add_recipients(out.to, *to);
    std::string_view rest = question == std::string_view::npos ? std::string_view() : uri.substr(question + 1);
    while (problem.empty() && !rest.empty()) {
        std::string_view field = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), field.size() + 1));
        std::size_t sign = field.find('=');
        if (sign == std::string_view::npos)
            return std::unexpected(fmt::format("\"{}\" in the mailto URI lacks its '='", text::printable(field)));
        auto name = percent_decode(field.substr(0, sign), "", "field name");
        auto value = percent_decode(field.substr(sign + 1), ";/?", "field value");
        if (!name || !value)
            return std::unexpected(name ? value.error() : name.error());
        if (!is_header_name(*name))
            return std::unexpected(fmt::format("\"{}\" in the mailto URI is no field name", text::printable(*name)));
        problem = take_field(out, *name, *value);
    }
    if (!problem.empty())
        return std::unexpected(problem);
    return out;
}

std::string sender_of(
    const EnvelopeSource& source, const Envelope& envelope, const Settings& settings, std::string_view builtin) {
    switch (source.kind) {
    case EnvelopeSource::Kind::sender: return address_of(envelope.from);
    case EnvelopeSource::Kind::recipient: return address_of(envelope.to);
    case EnvelopeSource::Kind::original_recipient: {
        std::string original = address_of(envelope.original_to);
        return original.empty() ? address_of(envelope.to) : original;
    }
    case EnvelopeSource::Kind::user_email: return own_address(envelope, settings);
    case EnvelopeSource::Kind::postmaster: return settings.postmaster;
    case EnvelopeSource::Kind::address: return source.address;
    default: return std::string(builtin);
    }
}

Sending notification(const Action& notify, const Message& message, const Envelope& envelope, const Settings& settings,
    std::int64_t now, std::string_view id_seed, std::vector<std::string>& notified) {
    Sending sending;
    HeaderIndex& header = message.parsed().part_header(0);
    std::expected<MailtoUri, std::string> uri = parse_mailto(notify.method);
    if (!uri) {
        sending.why_not = uri.error();
        return sending;
    }
    if (was_automatic(header)) {
        sending.why_not = "the message was sent by a program (Auto-Submitted)";
        return sending;
    }
    Outgoing out;
    keep_new(uri->to, notified, out.recipients);
    keep_new(uri->cc, notified, out.recipients);
    keep_new(uri->bcc, notified, out.recipients);
    if (out.recipients.empty()) {
        sending.why_not = "every recipient has got a notification already";
        return sending;
    }
    const bool as_asked = !notify.from.empty() && may_write_as(notify.from, envelope, settings);
    std::string from = as_asked ? notify.from : "Postmaster <" + settings.postmaster + ">";
    // RFC 5436, 2.3: nothing that could come back for a message without a sender.
    if (!is_null(envelope.from))
        out.from = sender_of(settings.notify_from, envelope, settings,
            as_asked ? parse_script_address(notify.from).value_or("") : settings.postmaster);
    std::string subject = on_one_line(!notify.reason.empty() ? notify.reason : uri->subject);
    if (Fields own = fields_of(header, "Subject"); subject.empty() && !own.empty())  // RFC 5436, 2.7
        subject = on_one_line(HeaderIndex::value(*own.front()));
    if (subject.empty())
        subject = "New mail";
    subject = shorten(subject, kSubjectCharacters);
    std::string& text = out.content;
    text = fmt::format("X-Sieve: Malleposte\r\nMessage-ID: <notify-{}@{}>\r\nDate: {}\r\n", id_seed, settings.hostname,
        text::format_mail_date(now));
    text += fmt::format("From: {}\r\n", format_mailbox(from));
    text += address_field("To", uri->to) + address_field("Cc", uri->cc);
    text += format_field("Subject", subject, "\r\n");
    text += fmt::format("Auto-Submitted: auto-notified; owner-email=\"{}\"\r\n", own_address(envelope, settings));
    text += "Precedence: bulk\r\n" + importance_fields(notify.importance);
    for (const auto& [name, value] : uri->headers)
        text += format_field(name, on_one_line(value), "\r\n");
    std::string body = uri->body.empty() ? "Notification of new message.\r\n" : with_last_line_end(with_crlf(uri->body));
    text += body_fields(body) + body;
    sending.messages.push_back(std::move(out));
    return sending;
}

Sending redirection(const Action& redirect, const Message& message, const Envelope& envelope, const Settings& settings,
    std::size_t hop_limit) {
    Sending sending;
    HeaderIndex& header = message.parsed().part_header(0);
    std::string own = own_address(envelope, settings);
    std::string recipient = address_of(envelope.to);
    for (HeaderIndex::Field* field : fields_of(header, "X-Sieve-Redirected-From")) {
        std::string_view by = HeaderIndex::value(*field);
        if (text::equal_ignoring_case(by, own) || text::equal_ignoring_case(by, recipient)) {
            sending.why_not = fmt::format("{} has redirected this message before: a loop", by);
            return sending;
        }
    }
    if (fields_of(header, "Received").size() > hop_limit) {
        sending.why_not = fmt::format("the message has gone through more than {} hosts: a loop", hop_limit);
        return sending;
    }
    Outgoing out;
    out.recipients = {redirect.address};
    if (!is_null(envelope.from))
        out.from = sender_of(settings.redirect_from, envelope, settings, address_of(envelope.from));
    std::string content = redirect.content(message);
    std::string_view end = content.find("\r\n") == std::string::npos && content.find('\n') != std::string::npos ? "\n"
                                                                                                                : "\r\n";
    out.content = fmt::format("X-Sieve: Malleposte{}X-Sieve-Redirected-From: {}{}", end, own, end) + content;
    sending.messages.push_back(std::move(out));
    return sending;
}

Sending rejection(const Action& reject, const Message& message, const Envelope& envelope, const Settings& settings,
    std::int64_t now, std::string_view id_seed) {
    Sending sending;
    std::string sender = address_of(envelope.from);
    if (sender.empty()) {
        sending.why_not = "the message has no sender to tell";
        return sending;
    }
    HeaderIndex& header = message.parsed().part_header(0);
    std::string recipient = own_address(envelope, settings);
    std::string boundary = fmt::format("reject-{}", id_seed);
    Outgoing out;
    out.recipients = {sender};
    std::string& text = out.content;
    text = fmt::format("X-Sieve: Malleposte\r\nMessage-ID: <reject-{}@{}>\r\nDate: {}\r\nFrom: {}\r\nTo: <{}>\r\n", id_seed,
        settings.hostname, text::format_mail_date(now),
        format_mailbox("Mail Delivery Subsystem <" + settings.postmaster + ">"), sender);
    text += "Subject: Automatically rejected mail\r\nAuto-Submitted: auto-replied (rejected)\r\nPrecedence: bulk\r\n";
    text += fmt::format(
        "MIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n\treport-type=disposition-notification; "
        "boundary=\"{}\"\r\n\r\n",
        boundary);
    bool ascii = message::is_ascii(reject.reason);
    text += fmt::format("--{}\r\nContent-Type: text/plain; charset={}\r\nContent-Transfer-Encoding: {}\r\n\r\n", boundary,
        ascii ? "us-ascii" : "utf-8", ascii ? "7bit" : "8bit");
    text += fmt::format("Your message to {} was automatically rejected:\r\n\r\n", recipient);
    text += with_last_line_end(with_crlf(reject.reason));
    // RFC 8098, 3.2
    text += fmt::format(
        "\r\n--{}\r\nContent-Type: message/disposition-notification\r\n\r\nReporting-UA: {}; Malleposte\r\n"
        "Final-Recipient: rfc822; {}\r\n",
        boundary, settings.hostname, address_of(envelope.to));
    if (Fields ids = fields_of(header, "Message-ID"); !ids.empty() && message::is_ascii(HeaderIndex::value(*ids.front())))
        text += fmt::format("Original-Message-ID: {}\r\n", cut_utf8(on_one_line(HeaderIndex::value(*ids.front())), 900));
    text += "Disposition: automatic-action/MDN-sent-automatically; deleted\r\n";
    text += fmt::format("\r\n--{}\r\nContent-Type: text/rfc822-headers\r\n\r\n", boundary);
    text += with_last_line_end(with_crlf(message.header()));
    text += fmt::format("\r\n--{}--\r\n", boundary);
    sending.messages.push_back(std::move(out));
    return sending;
}

Sending abuse_report(const Action& report, const Message& message, const Envelope& envelope, const Settings& settings,
    std::int64_t now, std::string_view id_seed) {
    Sending sending;
    HeaderIndex& header = message.parsed().part_header(0);
    if (was_automatic(header)) {
        sending.why_not = "the message was sent by a program (Auto-Submitted)";
        return sending;
    }
    Outgoing out;
    out.recipients = {report.address};
    std::string from = sender_of(settings.report_from, envelope, settings, settings.postmaster);
    out.from = is_null(envelope.from) ? std::string() : from;
    std::string boundary = fmt::format("report-{}", id_seed);
    Fields subjects = fields_of(header, "Subject");
    std::string subject = "Report: " + (subjects.empty() ? std::string("(no subject)")
                                                         : on_one_line(HeaderIndex::value(*subjects.front())));
    std::string& text = out.content;
    text = fmt::format("X-Sieve: Malleposte\r\nMessage-ID: <report-{}@{}>\r\nDate: {}\r\nFrom: {}\r\nTo: <{}>\r\n", id_seed,
        settings.hostname, text::format_mail_date(now), format_mailbox(from), report.address);
    text += format_field("Subject", cut_utf8(subject, 200), "\r\n");
    text += fmt::format(
        "Auto-Submitted: auto-generated (report)\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n"
        "\treport-type=feedback-report; boundary=\"{}\"\r\n\r\n",
        boundary);
    bool ascii = message::is_ascii(report.reason);
    text += fmt::format("--{}\r\nContent-Type: text/plain; charset={}\r\nContent-Transfer-Encoding: {}\r\n\r\n", boundary,
        ascii ? "us-ascii" : "utf-8", ascii ? "7bit" : "8bit");
    text += with_last_line_end(with_crlf(report.reason));
    // RFC 5965, 3.1 and 3.2
    text += fmt::format(
        "\r\n--{}\r\nContent-Type: message/feedback-report\r\n\r\nVersion: 1\r\nFeedback-Type: {}\r\n"
        "User-Agent: Malleposte\r\nOriginal-Mail-From: <{}>\r\n",
        boundary, on_one_line(report.feedback_type), address_of(envelope.from));
    if (std::string to = address_of(envelope.to); !to.empty())
        text += fmt::format("Original-Rcpt-To: <{}>\r\n", to);
    text += fmt::format("Dovecot-Reporting-User: <{}>\r\n", own_address(envelope, settings));
    text += fmt::format("\r\n--{}\r\nContent-Type: {}\r\nContent-Disposition: attachment\r\n\r\n", boundary,
        report.headers_only ? "text/rfc822-headers" : "message/rfc822");
    text += with_last_line_end(with_crlf(report.headers_only ? message.header() : message.octets()));
    text += fmt::format("\r\n--{}--\r\n", boundary);
    sending.messages.push_back(std::move(out));
    return sending;
}

}  // namespace sieve
