#include "qmgr/tools/listing_format.h"

#include <fmt/format.h>

#include <ctime>

#include "lib/queue/queue_name.h"
#include "lib/text/text.h"

namespace tools {
namespace {

using ipc::records::ShowqMessage;
using ipc::records::ShowqRecipient;

// "Wed Dec  1 14:42:15 2021\n", of which the listing shows 20 or 19 characters.
std::string arrival_text(std::int64_t seconds) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm local{};
    char buffer[64];
    if (localtime_r(&when, &local) == nullptr || asctime_r(&local, buffer) == nullptr)
        return "?";
    return buffer;
}

std::string status_marks(const ShowqMessage& message) {
    std::string marks = message.queue_name == name_of(queue::QueueName::active) ? "*"
                        : message.queue_name == name_of(queue::QueueName::hold) ? "!"
                                                                                : "";
    if (message.forced_expire)
        marks += "#";
    return marks.empty() ? " " : marks;
}

// Each octet of a character beyond ASCII counts, as a C program counts.
std::string reason_line(std::string_view reason) {
    const std::size_t pad = reason.size() < 76 ? 76 - reason.size() : 0;
    return fmt::format("{}({})\n", std::string(pad, ' '), reason);
}

}  // namespace

std::string PlainListing::format(const ShowqMessage& message) {
    std::string out;
    if (messages_++ == 0)
        out = long_ids_ ? "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
                        : "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
    else
        out = "\n";
    octets_ += static_cast<std::uint64_t>(message.size);
    const std::string id = message.queue_id + status_marks(message);
    const std::string sender = message.sender.empty() ? "MAILER-DAEMON" : text::printable(message.sender);
    const std::string arrival = arrival_text(message.arrival_time);
    out += long_ids_ ? fmt::format("{:<17} {:>8} {:.19} {}\n", id, message.size, arrival, sender)
                     : fmt::format("{:<11} {:>7} {:.20} {}\n", id, message.size, arrival, sender);
    std::string last;
    for (const ShowqRecipient& recipient : message.recipients) {
        const std::string reason = recipient.reason.empty() && !last.empty() ? "reason unavailable"
                                                                             : text::printable(recipient.reason);
        if (reason != last)
            out += reason_line(reason);
        last = reason;
        out += fmt::format("{}{}\n", std::string(long_ids_ ? 47 : 41, ' '), text::printable(recipient.address));
    }
    return out;
}

std::string PlainListing::end() const {
    if (messages_ == 0)
        return "Mail queue is empty\n";
    return fmt::format("\n-- {} Kbytes in {} Request{}.\n", octets_ / 1024, messages_, messages_ == 1 ? "" : "s");
}

std::string quote_json(std::string_view raw) {
    std::string out = "\"";
    for (const char c : raw) {
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\b': out += "\\b"; break;
        case '\f': out += "\\f"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
            if (static_cast<unsigned char>(c) < 32 || c == 127)
                out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
            else
                out.push_back(c);
        }
    }
    return out + "\"";
}

std::string format_json(const ShowqMessage& message) {
    std::string out = fmt::format(
        "{{\"queue_name\": {}, \"queue_id\": {}, \"arrival_time\": {}, \"message_size\": {}, \"forced_expire\": {}, "
        "\"sender\": {}, \"recipients\": [",
        quote_json(message.queue_name), quote_json(message.queue_id), message.arrival_time, message.size,
        message.forced_expire, quote_json(message.sender));
    const char* separator = "";
    for (const ShowqRecipient& recipient : message.recipients) {
        out += fmt::format("{}{{\"address\": {}", separator, quote_json(recipient.address));
        if (!recipient.original.empty() && recipient.original != recipient.address)
            out += fmt::format(", \"orig_address\": {}", quote_json(recipient.original));
        if (!recipient.reason.empty())
            out += fmt::format(
                ", \"{}\": {}", recipient.bounced ? "bounce_reason" : "delay_reason", quote_json(recipient.reason));
        out += "}";
        separator = ", ";
    }
    return out + "]}\n";
}

}  // namespace tools
