#include "cleanup/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "lib/address/mailbox.h"
#include "lib/text/mail_date.h"
#include "lib/text/text.h"

namespace cleanup {
namespace {

using ipc::records::CleanupOpen;

constexpr std::size_t kMaxWord = 45;  // octets in one encoded word of at most 75 characters

// For a comment or a host name: no line ends, and no parentheses that could end the comment early.
std::string comment_text(std::string_view raw) {
    std::string clean = text::printable(raw.substr(0, 1024));
    std::replace(clean.begin(), clean.end(), '\n', '?');
    return clean;
}

std::string host_text(std::string_view raw) {
    std::string clean = comment_text(raw);
    for (char& c : clean) {
        if (c == '(' || c == ')' || c == '<' || c == '>' || c == ' ' || c == '\\')
            c = '?';
    }
    return clean;
}

bool is_atom_text(char c) {
    return text::is_alnum(c) || std::string_view{"!#$%&'*+-/=?^_`{|}~"}.find(c) != std::string_view::npos;
}

std::string encoded_words(std::string_view name) {
    std::string out;
    while (!name.empty()) {
        std::size_t size = std::min(kMaxWord, name.size());
        while (size < name.size() && size > 1 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80)
            --size;  // not within a character
        if (!out.empty())
            out += "\r\n ";
        out += "=?utf-8?B?" + text::encode_base64(name.substr(0, size)) + "?=";
        name.remove_prefix(size);
    }
    return out;
}

std::string from_part(const CleanupOpen& open) {
    const envelope::Client& client = open.mail.client;
    const std::string helo = host_text(client.helo.empty() ? client.name : client.helo);
    return fmt::format("from {} ({} [{}])", helo, host_text(client.name), host_text(client.address));
}

}  // namespace

std::string format_message_id(std::int64_t seconds, std::string_view queue_id, std::string_view host) {
    const auto when = static_cast<std::time_t>(seconds);
    std::tm utc{};
    gmtime_r(&when, &utc);
    char stamp[32];
    const std::size_t size = std::strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", &utc);
    return fmt::format("<{}.{}@{}>", std::string_view{stamp, size}, queue_id, host);
}

std::string format_phrase(std::string_view raw) {
    std::string name;
    for (const char c : raw.substr(0, 1024))
        name.push_back(static_cast<unsigned char>(c) < ' ' || c == 127 ? ' ' : c);
    name = text::trim(name);
    const bool ascii = std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
    if (!ascii)
        return encoded_words(name);
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return is_atom_text(c) || c == ' '; });
    if (plain)
        return name;
    std::string quoted = "\"";
    for (const char c : name) {
        if (c == '"' || c == '\\')
            quoted.push_back('\\');
        quoted.push_back(c);
    }
    return quoted + "\"";
}

std::string format_received(
    const CleanupOpen& open, std::string_view queue_id, const TraceSite& site, std::int64_t seconds) {
    const std::string date = text::format_mail_date(seconds);
    if (open.mail.client.protocol.empty()) {
        const std::string who = open.user_id >= 0 ? fmt::format(", from userid {}", open.user_id) : std::string{};
        return fmt::format(
            "Received: by {} ({}{})\r\n\tid {}; {}\r\n", site.myhostname, site.mail_name, who, queue_id, date);
    }
    std::string out = fmt::format("Received: {}\r\n", from_part(open));
    for (const std::string& comment : open.trace_comments)
        out += fmt::format("\t({})\r\n", comment_text(comment));
    out += fmt::format(
        "\tby {} ({}) with {} id {}", site.myhostname, site.mail_name, host_text(open.mail.client.protocol), queue_id);
    if (open.recipients.size() == 1) {
        const std::string& given = open.recipients.front().given();
        out += fmt::format("\r\n\tfor <{}>", comment_text(address::quote(given)));
    }
    return out + "; " + date + "\r\n";
}

}  // namespace cleanup
