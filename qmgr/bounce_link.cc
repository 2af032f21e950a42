#include "qmgr/bounce_link.h"

#include "lib/log/log.h"

namespace qmgr {

using ipc::records::BounceReply;
using ipc::records::BounceRequest;

event::Task<std::string> BounceLink::report(BounceRequest request, event::Fd content) {
    Waiting waiting{loop_};
    request.request_id = next_id_++;
    waiting_[request.request_id] = &waiting;
    if (!link_.ready())
        link_.want();
    while (!link_.ready() && !waiting.outcome)
        co_await waiting.notice.wait(false);
    if (!waiting.outcome) {
        waiting.sent = true;
        link_.write(request, std::move(content));
    }
    while (!waiting.outcome)
        co_await waiting.notice.wait(false);
    waiting_.erase(request.request_id);
    co_return *waiting.outcome;
}

void BounceLink::link_ready() {
    for (auto& [id, waiting] : waiting_)
        waiting->notice.notify_all();
}

void BounceLink::link_frame(std::string_view frame) {
    const auto reply = ipc::decode<BounceReply>(frame);
    if (!reply) {
        logging::warning("private/bounce: {}", reply.error());
        return;
    }
    const auto found = waiting_.find(reply->request_id);
    if (found == waiting_.end())
        return;
    found->second->outcome = reply->ok ? std::string{} : "bounce: " + reply->reason;
    found->second->notice.notify_all();
}

void BounceLink::link_down(const std::string& reason, bool reached) {
    bool again = false;
    for (auto& [id, waiting] : waiting_) {
        if (reached && !waiting->sent) {  // an idle service that left just now
            again = true;
            continue;
        }
        waiting->outcome = "private/bounce: " + reason;
        waiting->notice.notify_all();
    }
    if (again)
        link_.want();
}

}  // namespace qmgr
