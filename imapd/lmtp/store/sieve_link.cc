#include "imapd/lmtp/store/sieve_link.h"

namespace lmtp_store {

using ipc::records::SieveDeliver;
using ipc::records::SieveDelivered;

namespace {

// How long a message may take is sieve-delivery's to say.
constexpr ipc::RequestLink<SieveDeliver, SieveDelivered>::Limits kLimits{
    std::chrono::seconds(10), std::chrono::seconds(0), 65536};

}  // namespace

SieveLink::SieveLink(event::Loop& loop, std::string socket) : link_(loop, std::move(socket), kLimits) {}

event::Task<SieveDelivered> SieveLink::deliver(SieveDeliver request, event::Fd content) {
    std::expected<SieveDelivered, std::string> answer = co_await link_.ask(std::move(request), std::move(content));
    if (answer)
        co_return std::move(*answer);
    SieveDelivered unreachable;
    unreachable.code = 451;
    unreachable.dsn = "4.3.0";
    unreachable.text = "The recipient's rules cannot be followed now";
    co_return unreachable;
}

}  // namespace lmtp_store
