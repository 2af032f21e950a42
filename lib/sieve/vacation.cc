#include "lib/sieve/vacation.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lib/message/address_list.h"
#include "lib/message/charset.h"
#include "lib/message/header.h"
#include "lib/message/writer.h"
#include "lib/sieve/checks.h"
#include "lib/sieve/notify.h"
#include "lib/sieve/parsed_message.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

using Fields = std::vector<HeaderIndex::Field*>;

Fields fields_of(HeaderIndex& header, std::string_view name) {
    Fields fields;
    header.find(name, fields);
    return fields;
}

std::string first_value(HeaderIndex& header, std::string_view name) {
    Fields fields = fields_of(header, name);
    return fields.empty() ? std::string() : std::string(HeaderIndex::value(*fields.front()));
}

// RFC 5230, 4.6: addresses of programs, not of people.
bool is_system_address(const Path& sender) {
    std::string local = text::lower(sender.local);
    if (local == "mailer-daemon" || local == "listserv" || local == "majordomo" || local == "postmaster")
        return true;
    return local.starts_with("owner-") || local.ends_with("-request") || local.ends_with("-owner") ||
           local.ends_with("-bounces") || local.starts_with("bounce+") || local.starts_with("prvs=");
}

// RFC 3834, 2 and RFC 2919: what is sent to many, or by a program.
std::string why_automatic(HeaderIndex& header) {
    for (std::string_view name : {"List-Id", "List-Help", "List-Subscribe", "List-Unsubscribe", "List-Post", "List-Owner",
             "List-Archive", "X-Mailing-List", "X-Loop"})
        if (header.exists(name))
            return fmt::format("the message came through a mailing list ({})", name);
    for (HeaderIndex::Field* field : fields_of(header, "Auto-Submitted")) {
        std::string_view value = HeaderIndex::value(*field);
        if (!text::equal_ignoring_case(text::trim(value.substr(0, value.find(';'))), "no"))
            return fmt::format("the message was sent by a program (Auto-Submitted: {})", text::printable(value));
    }
    for (HeaderIndex::Field* field : fields_of(header, "Precedence"))
        for (std::string_view bulk : {"bulk", "junk", "list"})
            if (text::equal_ignoring_case(HeaderIndex::value(*field), bulk))
                return fmt::format("the message went to many (Precedence: {})", bulk);
    for (HeaderIndex::Field* field : fields_of(header, "X-Auto-Response-Suppress"))
        for (std::string_view word : text::split(HeaderIndex::value(*field), ", \t"))
            if (text::equal_ignoring_case(word, "all") || text::equal_ignoring_case(word, "oof"))
                return fmt::format("the sender wants no automatic answers (X-Auto-Response-Suppress: {})", word);
    return "";
}

bool names_one_of(HeaderIndex& header, const std::vector<std::string>& own) {
    for (std::string_view name : {"To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"})
        for (HeaderIndex::Field* field : fields_of(header, name))
            for (const message::Address& address : HeaderIndex::addresses(*field)) {
                std::string text = address.mailbox + "@" + address.host;
                if (std::ranges::any_of(own, [&](const std::string& mine) { return text::equal_ignoring_case(mine, text); }))
                    return true;
            }
    return false;
}

std::string address_of(std::string_view written) {
    std::optional<Path> path = parse_path(written);
    return path ? path->text() : std::string();
}

std::vector<std::string> own_addresses(const Action& action, const Envelope& envelope, const Settings& settings) {
    std::vector<std::string> own;
    for (const std::string& address : {address_of(envelope.to), settings.user_email})
        if (!address.empty())
            own.push_back(address);
    if (settings.vacation_original_recipient)
        if (std::string original = address_of(envelope.original_to); !original.empty())
            own.push_back(original);
    own.insert(own.end(), action.addresses.begin(), action.addresses.end());
    return own;
}

void write_threading(message::Writer& mail, HeaderIndex& header) {
    std::string id = on_one_line(first_value(header, "Message-ID"));
    constexpr std::size_t kMaxId = 900;
    if (id.empty() || id.size() > kMaxId || !message::is_ascii(id))
        return;
    std::string references = on_one_line(first_value(header, "References"));
    if (references.empty())
        references = on_one_line(first_value(header, "In-Reply-To"));
    if (!message::is_ascii(references))
        references.clear();
    // RFC 5322, 3.6.4; of very long lists the first and the last ones are kept.
    std::vector<std::string_view> ids = text::split(references, " \t");
    constexpr std::size_t kMaxIds = 20;
    if (ids.size() > kMaxIds)
        ids.erase(ids.begin() + 1, ids.end() - (kMaxIds - 1));
    std::string all;
    for (std::string_view each : ids)
        if (each.size() <= kMaxId)
            all += std::string(each) + " ";
    mail.structured("In-Reply-To", id).structured("References", all + id);
}

message::Address author(const Action& action, const std::vector<std::string>& own, const Envelope& envelope,
    HeaderIndex& header, const Settings& settings) {
    if (!action.from.empty() && may_write_as(action.from, envelope, settings))
        return as_mailbox(action.from);
    if (!settings.user_email.empty())
        return as_mailbox(settings.user_email);
    // RFC 5230, 5.1: the address that the message was sent to.
    for (std::string_view name : {"To", "Cc"})
        for (HeaderIndex::Field* field : fields_of(header, name))
            for (const message::Address& address : HeaderIndex::addresses(*field)) {
                std::string text = address.mailbox + "@" + address.host;
                for (const std::string& mine : own)
                    if (text::equal_ignoring_case(mine, text))
                        return as_mailbox(mine);
            }
    return as_mailbox(address_of(envelope.to));
}

// RFC 5230, 4.4 and RFC 3834, 3.1.5
std::string subject_of(const Action& action, HeaderIndex& header) {
    constexpr std::size_t kSubjectCharacters = 256;
    std::string subject = action.subject;
    if (subject.empty()) {
        std::string original = first_value(header, "Subject");
        subject = original.empty() ? "Automated reply" : "Auto: " + original;
    }
    return shorten(on_one_line(subject), kSubjectCharacters);
}

// RFC 5230, 4.5: a reason with :mime begins with MIME fields of its own; only those are taken.
void write_entity(message::Writer& mail, std::string_view entity) {
    message::HeaderReader reader(entity);
    while (auto field = reader.next())
        if (text::starts_with_ignoring_case(field->name, "Content-"))
            mail.structured(field->name, field->body);
    mail.empty_line().body(entity.substr(reader.consumed()));
}

std::string compose(const Action& action, const message::Address& from, const message::Address& to, HeaderIndex& header,
    const Settings& settings, std::int64_t now, std::string_view id_seed) {
    message::Writer mail;
    mail.structured("X-Sieve", "Malleposte").date("Date", now);
    mail.message_id(fmt::format("vacation-{}", id_seed), settings.hostname);
    write_threading(mail, header);
    mail.addresses("From", {from}).addresses("To", {to}).text("Subject", subject_of(action, header));
    mail.structured("Auto-Submitted", "auto-replied (vacation)").structured("Precedence", "bulk");
    mail.structured("X-Auto-Response-Suppress", "All").structured("MIME-Version", "1.0");
    if (action.mime)
        write_entity(mail, action.reason);
    else
        write_text(mail, action.reason);
    return mail.close();
}

VacationAnswer none(std::string why) {
    VacationAnswer answer;
    answer.why_not = std::move(why);
    return answer;
}

}  // namespace

VacationAnswer answer(const Action& vacation, const Message& message, const Envelope& envelope, const Settings& settings,
    std::int64_t now, std::string_view id_seed) {
    std::optional<Path> path = parse_path(envelope.from);
    if (!path || path->local.empty())
        return none("the message has no sender to answer to");
    std::string sender = path->text();
    if (path->domain.empty())
        return none(fmt::format("the sender {} has no domain", sender));
    std::vector<std::string> own = own_addresses(vacation, envelope, settings);
    for (const std::string& mine : own)
        if (text::equal_ignoring_case(mine, sender))
            return none(fmt::format("the sender {} is the user", sender));
    if (is_system_address(*path))
        return none(fmt::format("the sender {} is a program", sender));
    HeaderIndex& header = message.parsed().part_header(0);
    if (std::string why = why_automatic(header); !why.empty())
        return none(std::move(why));
    if (settings.vacation_check_recipient && !names_one_of(header, own))
        return none("no field names the user as a recipient; use :addresses for other addresses of the user");
    VacationAnswer answer;
    answer.due = true;
    answer.memory_key = text::lower(sender) + "\n" + vacation.handle;
    answer.reply.recipients = {sender};
    if (settings.vacation_from_recipient)  // RFC 3834, 3.3 prefers the null sender
        answer.reply.from = address_of(envelope.to);
    const message::Address from = author(vacation, own, envelope, header, settings);
    const message::Address to = message::mailbox(path->local, path->domain, "");
    answer.reply.content = compose(vacation, from, to, header, settings, now, id_seed);
    return answer;
}

}  // namespace sieve
