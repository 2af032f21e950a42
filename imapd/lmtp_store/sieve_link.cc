#include "imapd/lmtp_store/sieve_link.h"

#include <map>

#include "lib/event/signal.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"

namespace lmtp_store {

using event::Task;
using ipc::records::SieveDeliver;
using ipc::records::SieveDelivered;

namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(10);
constexpr std::size_t kMaxReply = 65536;

SieveDelivered unreachable() {
    SieveDelivered answer;
    answer.code = 451;
    answer.dsn = "4.3.0";
    answer.text = "The recipient's rules cannot be followed now";
    return answer;
}

// In the frame of who waits.
struct Waiting {
    explicit Waiting(event::Loop& loop) : answered(loop), answer(unreachable()) {}
    event::Notice answered;
    SieveDelivered answer;
    bool done = false;
};

}  // namespace

struct SieveLink::State {
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
    std::map<std::uint64_t, Waiting*> waiting;

    void settle(std::uint64_t id, const SieveDelivered* answer) {
        auto found = waiting.find(id);
        if (found == waiting.end())
            return;
        Waiting& one = *found->second;
        waiting.erase(found);
        if (answer != nullptr)
            one.answer = *answer;
        one.done = true;
        one.answered.notify_all();
    }

    void lose(const std::string& why) {
        if (!why.empty())
            logging::warning("{}: {}", socket, why);
        connected = false;
        channel = ipc::Channel();
        while (!waiting.empty())
            settle(waiting.begin()->first, nullptr);
    }
};

namespace {

using State = SieveLink::State;

class Registration {
  public:
    Registration(State& state, std::uint64_t id, Waiting& waiting) : state_(state), id_(id) { state_.waiting[id] = &waiting; }
    ~Registration() { state_.waiting.erase(id_); }
    Registration(const Registration&) = delete;

  private:
    State& state_;
    std::uint64_t id_;
};

Task<void> read_answers(std::shared_ptr<State> state) {
    std::string why;
    for (bool going = true; going;) {
        try {
            std::optional<std::string_view> frame = co_await state->channel.next_frame(kMaxReply);
            going = frame.has_value();
            if (frame) {
                auto answer = ipc::decode<SieveDelivered>(*frame);
                if (answer)
                    state->settle(answer->request_id, &*answer);
                else
                    why = answer.error();
                going = answer.has_value();
            }
        } catch (const event::StreamError& error) {
            going = false;
            if (error.kind() != event::StreamError::Kind::cancelled)
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
        Task<ipc::Channel> connecting = ipc::connect_service(state->loop, state->socket, kConnectTimeout);
        state->channel = co_await std::move(connecting);
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
    Task<void> reader = read_answers(state);
    state->loop.spawn(std::move(reader), &state->reader, forget);
}

}  // namespace

SieveLink::SieveLink(event::Loop& loop, std::string socket) : state_(std::make_shared<State>(loop, std::move(socket))) {}

SieveLink::~SieveLink() {
    if (state_->reader != nullptr)
        state_->reader->cancel();
}

Task<SieveDelivered> SieveLink::deliver(SieveDeliver request, event::Fd content) {
    std::shared_ptr<State> state = state_;
    co_await ensure_connected(state);
    Waiting waiting(state->loop);
    if (!state->connected)
        co_return waiting.answer;
    request.request_id = ++state->next_id;
    Registration registration(*state, request.request_id, waiting);
    if (content)
        state->channel.write_with_fd(request, std::move(content));
    else
        state->channel.write(request);
    state->channel.stream().push();
    while (!waiting.done)
        co_await waiting.answered.wait();
    co_return waiting.answer;
}

}  // namespace lmtp_store
