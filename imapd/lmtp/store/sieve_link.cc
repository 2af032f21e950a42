#include "imapd/lmtp/store/sieve_link.h"

namespace lmtp_store {

using ipc::records::SieveDeliver;
using ipc::records::SieveDelivered;

// How long a message may take is sieve-delivery's to say, so there is no limit for the answer.
SieveLink::SieveLink(event::Loop& loop, std::string socket)
    : sieve_(loop, ipc::ServiceSettings(std::move(socket), std::chrono::seconds(10))) {}

event::Task<SieveDelivered> SieveLink::deliver(SieveDeliver request, event::Fd content) {
    std::expected<SieveDelivered, std::string> answer = co_await sieve_.ask(std::move(request), std::move(content));
    if (answer)
        co_return std::move(*answer);
    SieveDelivered unreachable;
    unreachable.code = 451;
    unreachable.dsn = "4.3.0";
    unreachable.text = "The recipient's rules cannot be followed now";
    co_return unreachable;
}

}  // namespace lmtp_store
