#include "lib/ipc/service_link.h"

#include <sys/socket.h>

#include "lib/event/error.h"
#include "lib/event/signal.h"
#include "lib/ipc/channel.h"

namespace ipc {

using namespace std::chrono_literals;
using event::StreamError;
using event::Task;

namespace {
constexpr auto kTryAgain = 100ms;
}

Task<void> Framing::greet(event::Stream&) { co_return; }

Task<std::optional<std::string_view>> Framing::read_frame(event::Stream& stream, std::size_t max) {
    co_return co_await next_frame(stream, max);
}

bool is_gone(event::Stream& stream) {
    char octet = 0;
    return !stream.buffered().empty() || ::recv(stream.descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

namespace {

Task<event::Stream> try_open(event::Loop& loop, const ServiceSettings& settings, Framing* framing) {
    const event::SocketAddress address = settings.address ? *settings.address : event::unix_address(settings.socket);
    event::Stream stream = co_await event::connect(loop, address, settings.connect);
    stream.expect_fds();
    if (framing != nullptr) {
        stream.set_timeout(settings.connect);
        co_await framing->greet(stream);
        stream.set_timeout(0ms);
    }
    co_return std::move(stream);
}

}  // namespace

Task<event::Stream> open_service(event::Loop& loop, ServiceSettings settings, std::shared_ptr<Framing> framing) {
    const event::Clock::time_point until = event::Clock::now() + settings.patience;
    for (;;) {
        event::Stream stream;
        std::string reason;
        StreamError::Kind kind = StreamError::Kind::io;
        try {
            stream = co_await try_open(loop, settings, framing.get());
        } catch (const StreamError& error) {
            reason = error.what();
            kind = error.kind();
        }
        if (stream)
            co_return std::move(stream);
        if (kind == StreamError::Kind::cancelled)
            throw StreamError(kind, reason);
        if (event::Clock::now() >= until)
            throw StreamError(kind, "connect to " + settings.socket + ": " + reason);
        co_await event::sleep_for(loop, kTryAgain);
    }
}

struct ServiceLink::State {
    State(event::Loop& the_loop, ServiceSettings the_settings, Owner& the_owner, std::shared_ptr<Framing> the_framing)
        : loop(the_loop),
          settings(std::move(the_settings)),
          owner(&the_owner),
          framing(std::move(the_framing)),
          unsent_notice(the_loop) {}

    event::Loop& loop;
    ServiceSettings settings;
    Owner* owner;  // none once the link is destroyed
    std::shared_ptr<Framing> framing;
    event::Stream stream;
    event::Notice unsent_notice;
    std::string dropped;  // why drop() was called
    bool connected = false;
    bool connecting = false;
    bool running = false;  // the coroutine that connects and reads
    bool wanted = false;
    bool dirty = false;
    event::Context* runner = nullptr;
    event::Context* flusher = nullptr;
};

namespace {

using State = ServiceLink::State;

// Until the connection ends: why. A StreamError of the kind `cancelled` goes through.
Task<std::string> read_frames(State& state) {
    std::string reason = "the service closed the connection";
    try {
        while (state.owner != nullptr && state.dropped.empty()) {
            std::optional<std::string_view> frame = co_await state.framing->read_frame(
                state.stream, state.settings.max_frame);
            if (!frame)
                break;
            if (state.owner != nullptr)
                state.owner->link_frame(*frame);
        }
    } catch (const StreamError& error) {
        if (error.kind() == StreamError::Kind::cancelled)
            throw;
        reason = error.what();
    }
    co_return state.dropped.empty() ? reason : state.dropped;
}

// Sends what was written since the last turn. A failure is the reader's to notice.
Task<void> flush_written(std::shared_ptr<State> state) {
    while (state->connected) {
        if (!state->dirty)
            co_await state->unsent_notice.wait();
        if (!state->connected)
            break;
        state->dirty = false;
        state->stream.push();
    }
}

void start_flusher(const std::shared_ptr<State>& state) {
    state->loop.spawn(flush_written(state), &state->flusher, [state] { state->flusher = nullptr; });
}

Task<std::string> try_connect(State& state) {
    std::string reason;
    state.connecting = true;
    try {
        state.stream = co_await open_service(state.loop, state.settings, state.framing);
    } catch (const StreamError& error) {
        if (error.kind() == StreamError::Kind::cancelled)
            throw;
        reason = error.what();
    }
    state.connecting = false;
    co_return reason;
}

void end_connection(State& state) {
    state.connected = false;
    state.dirty = false;
    state.unsent_notice.notify_all();
    state.stream = event::Stream();
}

// One connection after the other, for as long as somebody wants one.
Task<void> run(std::shared_ptr<State> state) {
    co_await event::next_turn(state->loop);  // the owner is not called from inside of want()
    while (state->wanted && state->owner != nullptr) {
        state->wanted = false;
        std::string reason = co_await try_connect(*state);
        const bool reached = reason.empty();
        if (reached && state->owner != nullptr) {
            state->connected = true;
            state->dropped.clear();
            start_flusher(state);
            state->owner->link_ready();
            reason = co_await read_frames(*state);
        }
        if (reached)
            end_connection(*state);
        if (state->owner != nullptr)
            state->owner->link_down(reason, reached);
    }
}

}  // namespace

ServiceLink::ServiceLink(event::Loop& loop, ServiceSettings settings, Owner& owner, std::shared_ptr<Framing> framing)
    : state_(std::make_shared<State>(
          loop, std::move(settings), owner, framing ? std::move(framing) : std::make_shared<Framing>())) {}

ServiceLink::~ServiceLink() {
    state_->owner = nullptr;
    for (event::Context* context : {state_->runner, state_->flusher})
        if (context != nullptr)
            context->cancel();
}

bool ServiceLink::ready() const { return state_->connected; }
const ServiceSettings& ServiceLink::settings() const { return state_->settings; }
std::size_t ServiceLink::unsent() const { return state_->connected ? state_->stream.unsent() : 0; }

void ServiceLink::want() {
    if (state_->connected || state_->connecting)
        return;
    state_->wanted = true;
    if (state_->running)
        return;
    state_->running = true;
    std::shared_ptr<State> state = state_;
    state->loop.spawn(run(state), &state->runner, [state] {
        state->runner = nullptr;
        state->running = false;
        state->connected = false;
    });
}

void ServiceLink::renew_if_gone() {
    char octet = 0;
    if (!state_->connected || ::recv(state_->stream.descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
        return;
    state_->connected = false;
    state_->unsent_notice.notify_all();
}

void ServiceLink::write(std::string_view octets, event::Fd descriptor) {
    if (descriptor)
        state_->stream.send_fd(std::move(descriptor));
    state_->stream.write(octets);
    if (!state_->dirty) {
        state_->dirty = true;
        state_->unsent_notice.notify_one();
    }
}

void ServiceLink::drop(const std::string& reason) {
    if (!state_->connected)
        return;
    state_->dropped = reason;
    state_->stream.close();
}

}  // namespace ipc
