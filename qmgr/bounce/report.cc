#include "qmgr/bounce/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/address/mailbox.h"
#include "lib/address/path_text.h"
#include "lib/message/charset.h"
#include "lib/message/writer.h"
#include "lib/text/text.h"
#include "lib/text/xtext.h"

namespace bounce {
namespace {

using ipc::records::BounceKind;
using ipc::records::BounceRecipient;
using ipc::records::BounceRequest;
using message::Writer;

std::string typed_address(std::string_view address) {
    return fmt::format("{}; {}", message::is_ascii(address) ? "rfc822" : "utf-8", address::PathText(address).mailbox());
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
    return message::fold(line + ": " + one_line(each.text), "    ");
}

// RFC 3464, 2.2
void write_message_fields(Writer& out, const BounceRequest& request, const Site& site) {
    out.structured("Reporting-MTA", "dns; " + site.myhostname);
    if (!request.mail.envid.empty()) {
        if (const auto decoded = text::decode_xtext(request.mail.envid))
            out.structured("Original-Envelope-Id", one_line(*decoded));
    }
    out.structured("X-Malleposte-Queue-ID", request.queue_id);
    if (!request.mail.sender.empty())
        out.structured("X-Malleposte-Sender", typed_address(request.mail.sender));
    out.date("Arrival-Date", request.mail.arrival_us / 1'000'000);
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
        return given->substr(0, semicolon) + "; " + one_line(given->substr(semicolon + 1));
    }
    return typed_address(whom.given());
}

// RFC 3464, 2.3
void write_recipient_fields(Writer& out, const BounceRequest& request, const BounceRecipient& each) {
    out.empty_line().structured("Final-Recipient", typed_address(each.recipient.address));
    out.structured("Original-Recipient", original_recipient(each.recipient));
    out.structured("Action", action_of(request, each)).structured("Status", one_line(each.dsn, 20));
    if (!each.remote_mta.empty())
        out.structured("Remote-MTA", "dns; " + one_line(each.remote_mta, 255));
    const bool remote = !each.remote_reply.empty();
    const std::string said = one_line(remote ? each.remote_reply : each.text);
    out.structured("Diagnostic-Code", (remote ? "smtp; " : "x-malleposte; ") + said);
    if (request.kind == BounceKind::delay_warning && request.expires > 0)
        out.date("Will-Retry-Until", request.expires);
}

std::string_view subject_of(const BounceRequest& request, Audience audience) {
    if (request.kind == BounceKind::success)
        return "Successful Mail Delivery Report";
    if (request.kind == BounceKind::delay_warning)
        return audience == Audience::sender ? "Delayed Mail (still being retried)" : "Postmaster Warning: Delayed Mail";
    return audience == Audience::sender ? "Undelivered Mail Returned to Sender" : "Postmaster Copy: Undelivered Mail";
}

void write_header(Writer& mail, std::string_view subject, const Site& site, std::string_view recipient) {
    mail.addresses(
        "From", {message::mailbox("MAILER-DAEMON", site.myorigin, "Mail Delivery System")}, message::NameForm::comment);
    const address::Mailbox whom = address::parse_text(recipient);
    mail.text("Subject", subject).addresses("To", {message::mailbox(whom.local, whom.domain)});
}

std::string description(BounceKind kind, bool whole) {
    const std::string_view what = kind == BounceKind::failure         ? "Undelivered "
                                  : kind == BounceKind::delay_warning ? "Delayed "
                                                                      : "";
    return fmt::format("{}Message{}", what, whole ? "" : " Headers");
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
    const std::string boundary = fmt::format("{}.{}/{}", request.queue_id, random, site.myhostname);
    Writer mail;
    write_header(mail, subject_of(request, audience), site, recipient);
    mail.structured("Auto-Submitted", "auto-replied");
    mail.multipart("report", boundary, {{"report-type", "delivery-status"}});
    mail.structured("Content-Transfer-Encoding", "8bit").empty_line().body("This message is in MIME format.\r\n");
    mail.part().text("Content-Description", "Notification").content("text/plain", {{"charset", "utf-8"}});
    mail.structured("Content-Transfer-Encoding", "8bit").empty_line().body(explanation(request, site, audience));
    for (std::size_t i = 0; i < request.recipients.size(); ++i)
        mail.body((i > 0 ? "\r\n" : "") + explain_recipient(request.recipients[i]));
    mail.part().text("Content-Description", "Delivery report").content("message/delivery-status").empty_line();
    write_message_fields(mail, request, site);
    for (const BounceRecipient& each : request.recipients)
        write_recipient_fields(mail, request, each);
    const bool whole = returned == Returned::message;
    mail.part().text("Content-Description", description(request.kind, whole));
    mail.content(whole ? "message/rfc822" : "text/rfc822-headers");
    mail.structured("Content-Transfer-Encoding", "8bit").empty_line();
    return {mail.so_far(), mail.end_of_parts(), mail.boundary()};
}

}  // namespace bounce
