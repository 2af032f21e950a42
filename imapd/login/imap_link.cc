#include "imapd/login/imap_link.h"

namespace login {

using ipc::records::ImapHandover;
using ipc::records::ImapHandoverReply;

namespace {

constexpr const char* kTrouble = "Mail cannot be opened now, try again later";

ipc::ServiceSettings settings_of(std::string socket) {
    ipc::ServiceSettings settings(std::move(socket), std::chrono::seconds(10));
    settings.answer = std::chrono::seconds(30);
    settings.max_frame = 4096;
    return settings;
}

}  // namespace

ImapLink::ImapLink(event::Loop& loop, std::string socket) : imap_(loop, settings_of(std::move(socket))) {}

event::Task<std::string> ImapLink::hand_over(ImapHandover handover, event::Fd client) {
    std::expected<ImapHandoverReply, std::string> reply = co_await imap_.ask(std::move(handover), std::move(client));
    if (reply && reply->accepted)
        co_return std::string();
    co_return reply && !reply->reason.empty() ? reply->reason : std::string(kTrouble);
}

}  // namespace login
