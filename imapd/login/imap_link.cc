#include "imapd/login/imap_link.h"

namespace login {

using ipc::records::ImapHandover;
using ipc::records::ImapHandoverReply;

namespace {

constexpr const char* kTrouble = "Mail cannot be opened now, try again later";
constexpr ipc::RequestLink<ImapHandover, ImapHandoverReply>::Limits kLimits{
    std::chrono::seconds(10), std::chrono::seconds(30), 4096};

}  // namespace

ImapLink::ImapLink(event::Loop& loop, std::string socket) : link_(loop, std::move(socket), kLimits) {}

event::Task<std::string> ImapLink::hand_over(ImapHandover handover, event::Fd client) {
    std::expected<ImapHandoverReply, std::string> reply = co_await link_.ask(std::move(handover), std::move(client));
    if (reply && reply->accepted)
        co_return std::string();
    co_return reply && !reply->reason.empty() ? reply->reason : std::string(kTrouble);
}

}  // namespace login
