#include "qmgr/bounce/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/address/path_text.h"
#include "lib/text/mail_date.h"
#include "lib/text/text.h"
#include "lib/text/xtext.h"

namespace bounce {
namespace {

using ipc::records::BounceKind;
using ipc::records::BounceRecipient;
using ipc::records::BounceRequest;

constexpr std::size_t kLine = 78;

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
}

std::string typed_address(std::string_view address) {
    return fmt::format("{}; {}", is_ascii(address) ? "rfc822" : "utf-8", address::PathText(address).mailbox());
}

std::string age_limit(const BounceRequest& request) {
    const std::int64_t seconds = std::max<std::int64_t>(0, request.expires - request.mail.arrival_us / 1'000'000);
    return fmt::format("{:.1f} day(s)", static_cast<double>(seconds) / 86400);
}

std::string explanation(const BounceRequest& request, const Site& site, Audience audience) {
    std::string text = fmt::format("This is {} at {}.\r\n\r\n", site.mail_name, site.myhostname);
    if (request.kind == BounceKind::delay_warning) {
        text +=
            "####################################################################\r\n"
            "# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\r\n"
            "####################################################################\r\n\r\n";
        text += audience == Audience::sender
                    ? "Your message has not reached the recipient(s) below yet. The attempts go on.\r\n"
                    : "A message has not reached the recipient(s) below yet; its sender was told.\r\n";
        return text + "It will be retried until it is " + age_limit(request) + " old.\r\n\r\n";
    }
    if (request.kind == BounceKind::success)
        return text +
               "Your message has reached the recipient(s) below, or has gone on to a host that does not report.\r\n"
               "Behind each address stands which. If that is a mailbox, you hear no more of it; else trouble\r\n"
               "further on may still be reported.\r\n\r\n";
    if (audience == Audience::sender)
        return text +
               "Your message could not be delivered to the recipient(s) below, and no further attempt\r\n"
               "will be made. The reason stands behind each address; what is attached repeats it for\r\n"
               "programs and returns what you sent.\r\n\r\n"
               "If the reason does not help, write to <postmaster> here and include this report.\r\n\r\n";
    return text +
           "A message could not be delivered to the recipient(s) below, and its sender cannot be told or\r\n"
           "was told already.\r\n\r\n";
}

std::string explain_recipient(const BounceRecipient& each) {
    const envelope::Recipient& whom = each.recipient;
    std::string line = address::PathText(whom.address).in_brackets();
    if (!text::equal_ignoring_case(whom.given(), whom.address))
        line += fmt::format(" (expanded from <{}>)", one_line(whom.given()));
    return fold(line + ": " + one_line(each.text), "    ") + "\r\n";
}

std::string message_fields(const BounceRequest& request, const Site& site) {
    std::string out = fmt::format("Reporting-MTA: dns; {}\r\n", site.myhostname);
    if (!request.mail.envid.empty()) {
        if (const auto decoded = text::decode_xtext(request.mail.envid))
            out += fold("Original-Envelope-Id: " + one_line(*decoded), " ");
    }
    out += fmt::format("X-Malleposte-Queue-ID: {}\r\n", request.queue_id);
    if (!request.mail.sender.empty())
        out += fold("X-Malleposte-Sender: " + typed_address(request.mail.sender), " ");
    return out + fmt::format("Arrival-Date: {}\r\n", text::format_mail_date(request.mail.arrival_us / 1'000'000));
}

// RFC 3464, 2.3.3
std::string_view action_of(const BounceRequest& request, const BounceRecipient& each) {
    if (request.kind != BounceKind::success)
        return request.kind == BounceKind::delay_warning ? "delayed" : "failed";
    switch (each.action) {
    case envelope::Action::relayed: return "relayed";
    case envelope::Action::expanded: return "expanded";
    default: return "delivered";
    }
}

// RFC 3464, 2.3.1: what the sender gave for ORCPT, or else what we know of it.
std::string original_recipient(const envelope::Recipient& whom) {
    if (const auto given = envelope::readable_orcpt(whom.orcpt)) {
        const std::size_t semicolon = given->find(';');
        return fold(
            "Original-Recipient: " + given->substr(0, semicolon) + "; " + one_line(given->substr(semicolon + 1)), " ");
    }
    return fold("Original-Recipient: " + typed_address(whom.given()), " ");
}

// RFC 3464, 2.3
std::string recipient_fields(const BounceRequest& request, const BounceRecipient& each) {
    std::string out = "\r\n" + fold("Final-Recipient: " + typed_address(each.recipient.address), " ");
    out += original_recipient(each.recipient);
    out += fmt::format("Action: {}\r\nStatus: {}\r\n", action_of(request, each), one_line(each.dsn, 20));
    if (!each.remote_mta.empty())
        out += fold("Remote-MTA: dns; " + one_line(each.remote_mta, 255), " ");
    const bool remote = !each.remote_reply.empty();
    out += fold(fmt::format("Diagnostic-Code: {}; {}", remote ? "smtp" : "x-malleposte",
                    one_line(remote ? each.remote_reply : each.text)),
        " ");
    if (request.kind == BounceKind::delay_warning && request.expires > 0)
        out += fmt::format("Will-Retry-Until: {}\r\n", text::format_mail_date(request.expires));
    return out;
}

std::string_view subject_of(const BounceRequest& request, Audience audience) {
    if (request.kind == BounceKind::success)
        return "Successful Mail Delivery Report";
    if (request.kind == BounceKind::delay_warning)
        return audience == Audience::sender ? "Delayed Mail (still being retried)" : "Postmaster Warning: Delayed Mail";
    return audience == Audience::sender ? "Undelivered Mail Returned to Sender" : "Postmaster Copy: Undelivered Mail";
}

}  // namespace

std::string one_line(std::string_view raw, std::size_t most) {
    std::string clean = text::printable(raw.substr(0, most + 4));
    std::size_t size = std::min(clean.size(), most);
    while (size > 0 && size < clean.size() && (static_cast<unsigned char>(clean[size]) & 0xc0) == 0x80)
        --size;
    clean.resize(size);
    return clean;
}

std::string fold(std::string_view line, std::string_view indent) {
    std::string out;
    std::size_t room = kLine;
    while (line.size() > room) {
        std::size_t cut = line.rfind(' ', room);
        if (cut == std::string_view::npos || cut == 0)
            cut = line.find(' ', room);
        if (cut == std::string_view::npos)
            break;
        out += line.substr(0, cut);
        out += "\r\n";
        out += indent;
        line.remove_prefix(cut + 1);
        room = kLine - indent.size();
    }
    out += line;
    return out + "\r\n";
}

std::vector<BounceRecipient> who_wants_report(const BounceRequest& request) {
    const std::uint32_t wanted = request.kind == BounceKind::delay_warning ? envelope::kNotifyDelay
                                 : request.kind == BounceKind::success     ? envelope::kNotifySuccess
                                                                           : envelope::kNotifyFailure;
    // Who says nothing hears of trouble only.
    constexpr std::uint32_t kUnsaid = envelope::kNotifyDelay | envelope::kNotifyFailure;
    std::vector<BounceRecipient> found;
    for (const BounceRecipient& each : request.recipients) {
        const std::uint32_t notify = each.recipient.notify == 0 ? kUnsaid : each.recipient.notify;
        if ((notify & wanted) != 0 && (notify & envelope::kNotifyNever) == 0)
            found.push_back(each);
    }
    return found;
}

Report compose(const BounceRequest& request, const Site& site, const std::string& recipient, Audience audience,
    Returned returned, std::string_view random) {
    Report report;
    report.boundary = fmt::format("{}.{}/{}", request.queue_id, random, site.myhostname).substr(0, 70);
    const std::string part = fmt::format("--{}\r\n", report.boundary);
    std::string& out = report.head;
    out = fmt::format("From: MAILER-DAEMON@{} (Mail Delivery System)\r\n", site.myorigin);
    out += fmt::format("Subject: {}\r\nTo: {}\r\n", subject_of(request, audience), address::PathText(recipient).mailbox());
    out += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
    out += fmt::format(
        "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{}\"\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n",
        report.boundary);
    out += "This message is in MIME format.\r\n\r\n" + part;
    out +=
        "Content-Description: Notification\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n";
    out += explanation(request, site, audience);
    for (const BounceRecipient& each : request.recipients)
        out += explain_recipient(each);
    out += part + "Content-Description: Delivery report\r\nContent-Type: message/delivery-status\r\n\r\n";
    out += message_fields(request, site);
    for (const BounceRecipient& each : request.recipients)
        out += recipient_fields(request, each);
    const bool whole = returned == Returned::message;
    const char* what = request.kind == BounceKind::failure         ? "Undelivered "
                       : request.kind == BounceKind::delay_warning ? "Delayed "
                                                                   : "";
    out += fmt::format(
        "\r\n{}Content-Description: {}Message{}\r\nContent-Type: {}\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n",
        part, what, whole ? "" : " Headers", whole ? "message/rfc822" : "text/rfc822-headers");
    report.tail = fmt::format("\r\n--{}--\r\n", report.boundary);
    return report;
}

}  // namespace bounce
