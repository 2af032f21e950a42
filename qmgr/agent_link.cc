#include "qmgr/agent_link.h"

#include "lib/event/error.h"

namespace qmgr {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t kMaxResult = 4 << 20;
}

AgentLink::AgentLink(event::Loop& loop, std::string path, Owner& owner)
    : loop_{loop}, path_{std::move(path)}, owner_{owner}, wanted_notice_{loop}, unsent_{loop} {
    loop_.spawn(run());
    loop_.spawn(flush_loop());
}

void AgentLink::want() {
    wanted_ = true;
    wanted_notice_.notify_one();
}

event::Task<std::string> AgentLink::connect() {
    std::string reason;
    try {
        ipc::Channel channel = co_await ipc::connect_service(loop_, path_, 30s);
        channel_ = std::make_shared<ipc::Channel>(std::move(channel));
    } catch (const event::StreamError& error) {
        if (error.kind() == event::StreamError::Kind::cancelled)
            throw;
        reason = error.what();
    }
    co_return reason;
}

event::Task<std::string> AgentLink::read_frames() {
    std::string reason;
    const std::shared_ptr<ipc::Channel> channel = channel_;
    try {
        for (;;) {
            std::optional<std::string_view> frame = co_await channel->next_frame(kMaxResult);
            if (!frame)
                break;
            owner_.link_frame(*frame);
        }
        reason = "the service closed the connection";
    } catch (const event::StreamError& error) {
        if (error.kind() == event::StreamError::Kind::cancelled)
            throw;
        reason = error.what();
    }
    channel->stream().close();
    co_return reason;
}

event::Task<void> AgentLink::run() {
    for (;;) {
        if (!wanted_)
            co_await wanted_notice_.wait();
        if (!wanted_)
            continue;
        wanted_ = false;
        std::string reason = co_await connect();
        if (!reason.empty()) {
            owner_.link_down(reason, false);
            continue;
        }
        owner_.link_ready();
        reason = co_await read_frames();
        channel_.reset();
        dirty_ = false;
        owner_.link_down(reason, true);
    }
}

event::Task<void> AgentLink::flush_loop() {
    for (;;) {
        if (!dirty_)
            co_await unsent_.wait();
        if (!dirty_ || !channel_)
            continue;
        dirty_ = false;
        const std::shared_ptr<ipc::Channel> channel = channel_;
        try {
            co_await channel->stream().flush();
        } catch (const event::StreamError& error) {
            if (error.kind() == event::StreamError::Kind::cancelled)
                throw;  // otherwise the reader notices the same
        }
    }
}

}  // namespace qmgr
