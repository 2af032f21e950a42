#include "imapd/login/imap_link.h"

#include <map>

#include "lib/event/signal.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"

namespace login {

using event::Task;
using ipc::records::ImapHandover;
using ipc::records::ImapHandoverReply;

namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(10);
constexpr auto kReplyTimeout = std::chrono::seconds(30);
constexpr std::size_t kMaxReply = 4096;
constexpr const char* kTrouble = "Mail cannot be opened now, try again later";

// In the frame of the session that waits.
struct Pending {
    explicit Pending(event::Loop& loop) : answered(loop) {}
    event::Notice answered;
    bool done = false;
    std::string reason;
};

}  // namespace

struct ImapLink::State {
    State(event::Loop& the_loop, std::string the_socket)
        : loop(the_loop), socket(std::move(the_socket)), changed(the_loop) {}

    event::Loop& loop;
    std::string socket;
    ipc::Channel channel;
    bool connected = false;
    bool connecting = false;
    event::Notice changed;
    event::Context* reader = nullptr;
    std::uint64_t next_id = 0;
    std::map<std::uint64_t, Pending*> pending;

    void answer(std::uint64_t id, std::string reason) {
        auto found = pending.find(id);
        if (found == pending.end())
            return;
        Pending* waiting = found->second;
        pending.erase(found);
        waiting->done = true;
        waiting->reason = std::move(reason);
        waiting->answered.notify_all();
    }

    void lose(const std::string& why) {
        if (!why.empty())
            logging::warning("{}: {}", socket, why);
        connected = false;
        channel = ipc::Channel();
        while (!pending.empty())
            answer(pending.begin()->first, kTrouble);
    }
};

namespace {

using State = ImapLink::State;

class Registration {
  public:
    Registration(State& state, std::uint64_t id, Pending& pending) : state_(state), id_(id) {
        state_.pending[id] = &pending;
    }
    ~Registration() { state_.pending.erase(id_); }
    Registration(const Registration&) = delete;

  private:
    State& state_;
    std::uint64_t id_;
};

Task<void> read_replies(std::shared_ptr<State> state) {
    std::string why;
    for (bool going = true; going;) {
        try {
            std::optional<std::string_view> frame = co_await state->channel.next_frame(kMaxReply);
            going = frame.has_value();
            if (frame) {
                auto reply = ipc::decode<ImapHandoverReply>(*frame);
                if (reply)
                    state->answer(reply->request_id, reply->accepted ? "" : reply->reason.empty() ? kTrouble : reply->reason);
                else
                    why = reply.error();
                going = reply.has_value();
            }
        } catch (const event::StreamError& error) {
            bool silent = error.kind() == event::StreamError::Kind::timeout && state->pending.empty();
            going = silent;
            if (!silent)
                why = error.what();
        }
    }
    state->lose(why);
}

Task<void> ensure_connected(std::shared_ptr<State> state) {
    while (state->connecting)
        co_await state->changed.wait();
    if (state->connected)
        co_return;
    state->connecting = true;
    std::string why;
    try {
        event::Task<ipc::Channel> connecting = ipc::connect_service(state->loop, state->socket, kConnectTimeout);
        state->channel = co_await std::move(connecting);
        state->channel.stream().set_timeout(kReplyTimeout);
        state->connected = true;
    } catch (const event::StreamError& error) {
        why = error.what();
    }
    state->connecting = false;
    state->changed.notify_all();
    if (!state->connected) {
        logging::warning("{}", why);
        co_return;
    }
    auto forget = [state] { state->reader = nullptr; };
    event::Task<void> reader = read_replies(state);
    state->loop.spawn(std::move(reader), &state->reader, forget);
}

}  // namespace

ImapLink::ImapLink(event::Loop& loop, std::string socket) : state_(std::make_shared<State>(loop, std::move(socket))) {}

ImapLink::~ImapLink() {
    if (state_->reader != nullptr)
        state_->reader->cancel();
}

Task<std::string> ImapLink::hand_over(ImapHandover handover, event::Fd client) {
    std::shared_ptr<State> state = state_;
    std::string reason = kTrouble;
    co_await ensure_connected(state);
    if (!state->connected)
        co_return reason;
    handover.request_id = ++state->next_id;
    Pending pending(state->loop);
    Registration registration(*state, handover.request_id, pending);
    state->channel.write_with_fd(handover, std::move(client));
    state->channel.stream().push();
    while (!pending.done)
        co_await pending.answered.wait();
    reason = std::move(pending.reason);
    co_return reason;
}

}  // namespace login
