#include "lib/sieve/notify.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/address/mailbox.h"
#include "lib/message/charset.h"
#include "lib/message/encoded_word.h"
#include "lib/sieve/checks.h"
#include "lib/sieve/parsed_message.h"
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

message::Address named_mailbox(std::string_view address, std::string_view name) {
    message::Address mailbox = as_mailbox(address);
    mailbox.name = name;
    return mailbox;
}

// An address that stands in angle brackets, without a name.
message::Address bare_mailbox(std::string_view address) { return named_mailbox(address, ""); }

std::vector<message::Address> as_mailboxes(const std::vector<std::string>& list) {
    std::vector<message::Address> out;
    for (const std::string& each : list)
        out.push_back(as_mailbox(each));
    return out;
}

// RFC 5436, 2.7.2 and RFC 2156
void write_importance(message::Writer& mail, int importance) {
    const bool high = importance == 1;
    const bool low = importance == 3;
    mail.structured("X-Priority", high ? "1 (High)" : low ? "5 (Low)" : "3 (Normal)");
    mail.structured("Importance", high ? "High" : low ? "Low" : "Normal");
}

// What all mail of scripts begins with.
message::Writer begin_mail(std::string_view kind, const Settings& settings, std::int64_t now, std::string_view id_seed) {
    message::Writer mail;
    mail.structured("X-Sieve", "Malleposte").message_id(fmt::format("{}-{}", kind, id_seed), settings.hostname);
    mail.date("Date", now);
    return mail;
}

std::string in_brackets(std::string_view address) { return message::format_mailbox(bare_mailbox(address)); }

}  // namespace

message::Address as_mailbox(std::string_view written) {
    if (parse_script_address(written)) {
        const std::vector<message::Address> read = message::parse_address_list(written);
        if (read.size() == 1 && read[0].is_addr_spec) {
            message::Address address = message::mailbox(read[0].mailbox, read[0].host);
            if (written.find('<') != std::string_view::npos)
                address.name = message::decode_header(read[0].name.value_or(""));
            return address;
        }
    }
    const address::Mailbox mailbox = address::parse_text(written);
    return message::mailbox(mailbox.local, mailbox.domain);
}

void write_text(message::Writer& mail, std::string_view text) {
    const bool ascii = message::is_ascii(text);
    mail.content("text/plain", {{"charset", ascii ? "us-ascii" : "utf-8"}});
    mail.structured("Content-Transfer-Encoding", ascii ? "7bit" : "8bit").empty_line().body(text);
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
    const message::Address from = as_asked ? as_mailbox(notify.from) : named_mailbox(settings.postmaster, "Postmaster");
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
    message::Writer mail = begin_mail("notify", settings, now, id_seed);
    mail.addresses("From", {from}).addresses("To", as_mailboxes(uri->to)).addresses("Cc", as_mailboxes(uri->cc));
    mail.text("Subject", subject);
    mail.parameterized("Auto-Submitted", "auto-notified", {{"owner-email", own_address(envelope, settings)}});
    mail.structured("Precedence", "bulk");
    write_importance(mail, notify.importance);
    for (const auto& [name, value] : uri->headers)
        mail.text(name, value);
    mail.structured("MIME-Version", "1.0");
    write_text(mail, uri->body.empty() ? "Notification of new message.\r\n" : uri->body);
    out.content = mail.close();
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
    Outgoing out;
    out.recipients = {sender};
    message::Writer mail = begin_mail("reject", settings, now, id_seed);
    mail.addresses("From", {named_mailbox(settings.postmaster, "Mail Delivery Subsystem")});
    mail.addresses("To", {bare_mailbox(sender)}).text("Subject", "Automatically rejected mail");
    mail.structured("Auto-Submitted", "auto-replied (rejected)").structured("Precedence", "bulk");
    mail.multipart("report", fmt::format("reject-{}", id_seed), {{"report-type", "disposition-notification"}}).part();
    write_text(mail, fmt::format("Your message to {} was automatically rejected:\r\n\r\n{}", recipient, reject.reason));
    // RFC 8098, 3.2
    mail.part().content("message/disposition-notification").empty_line();
    mail.structured("Reporting-UA", settings.hostname + "; Malleposte");
    mail.structured("Final-Recipient", "rfc822; " + address_of(envelope.to));
    if (Fields ids = fields_of(header, "Message-ID"); !ids.empty() && message::is_ascii(HeaderIndex::value(*ids.front())))
        mail.structured("Original-Message-ID", cut_utf8(HeaderIndex::value(*ids.front()), 900));
    mail.structured("Disposition", "automatic-action/MDN-sent-automatically; deleted");
    mail.part().content("text/rfc822-headers").empty_line().body(message.header());
    out.content = mail.close();
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
    Fields subjects = fields_of(header, "Subject");
    std::string subject = "Report: " + (subjects.empty() ? std::string("(no subject)")
                                                         : on_one_line(HeaderIndex::value(*subjects.front())));
    message::Writer mail = begin_mail("report", settings, now, id_seed);
    mail.addresses("From", {as_mailbox(from)}).addresses("To", {bare_mailbox(report.address)});
    mail.text("Subject", cut_utf8(subject, 200)).structured("Auto-Submitted", "auto-generated (report)");
    mail.multipart("report", fmt::format("report-{}", id_seed), {{"report-type", "feedback-report"}}).part();
    write_text(mail, report.reason);
    // RFC 5965, 3.1 and 3.2
    mail.part().content("message/feedback-report").empty_line().structured("Version", "1");
    mail.structured("Feedback-Type", report.feedback_type).structured("User-Agent", "Malleposte");
    mail.structured("Original-Mail-From", in_brackets(address_of(envelope.from)));
    if (std::string to = address_of(envelope.to); !to.empty())
        mail.structured("Original-Rcpt-To", in_brackets(to));
    mail.structured("Dovecot-Reporting-User", in_brackets(own_address(envelope, settings)));
    mail.part().content(report.headers_only ? "text/rfc822-headers" : "message/rfc822");
    mail.structured("Content-Disposition", "attachment").empty_line();
    mail.body(report.headers_only ? message.header() : message.octets());
    out.content = mail.close();
    sending.messages.push_back(std::move(out));
    return sending;
}

}  // namespace sieve
