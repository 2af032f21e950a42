// Serving: who is let in, and when the process goes.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/event/child_process.h"
#include "lib/event/scope.h"
#include "lib/log/log.h"
#include "lib/worker/state.h"

namespace worker {
namespace {

using namespace std::chrono_literals;

constexpr auto kStopGrace = 20s;    // what is still busy after a stop is cancelled
constexpr auto kTableLook = 5ms;    // under load tables are not looked at for each client
constexpr auto kIdleLook = 1000ms;  // how often idleness is looked at

// What master says; and its end, when it says no more.
event::Task<void> listen_to_master(Program::State& state) {
    for (;;) {
        co_await event::wait_readable(state.loop, kControlDescriptor);
        char message = 0;
        ssize_t count = ::recv(kControlDescriptor, &message, 1, MSG_DONTWAIT);
        if (count < 0)
            continue;
        if (count == 0) {
            if (!state.leaving)
                logging::warning("master is gone; this process finishes what it holds");
            state.leave(true);
            co_return;
        }
        if (message == static_cast<char>(ToWorker::wakeup))
            for (const auto& call : state.wakeups)
                call();
        else if (message == static_cast<char>(ToWorker::drain))
            state.leave(false);
        else if (message == static_cast<char>(ToWorker::stop))
            state.leave(true);
    }
}

event::Task<void> accept_clients(Program::State& state, event::Listener& listener) {
    while (!state.leaving) {
        while (static_cast<int>(state.clients.size()) >= state.client_limit) {
            if (!std::exchange(state.busy_told, true))
                state.tell(ToMaster::busy);
            co_await state.seat_freed->wait();
        }
        if (state.outdated) {
            // The client must not be taken before we know: it belongs to the fresh process then.
            co_await event::wait_readable(state.loop, listener.descriptor());
            bool look = event::Clock::now() - state.looked_at_tables > kTableLook;
            if (look && !state.leaving && state.outdated()) {
                logging::info("a table has changed -- a fresh process takes over");
                state.leave(false);
                co_return;
            }
            if (look)
                state.looked_at_tables = event::Clock::now();
        }
        event::Fd descriptor = co_await listener.accept();
        if (state.type == "inet" || state.peers.let_in(descriptor.get(), state.service))
            state.seat_client(std::move(descriptor));
    }
}

event::Task<void> serve_seat(Program::State& state, event::Fd descriptor, Client& client) {
    event::Stream stream(state.loop, std::move(descriptor));
    std::string unexpected;
    try {
        if (state.type == "pass") {
            // The client's connection comes as a descriptor, from whoever looked at it first (postscreen).
            stream.expect_fds();
            stream.set_timeout(kStopGrace);
            co_await stream.read_some();
            event::Fd passed = stream.take_fd();
            if (!passed || ::fcntl(passed.get(), F_SETFL, ::fcntl(passed.get(), F_GETFL) | O_NONBLOCK) != 0) {
                logging::warning("a client of this pass service sent no connection");
                co_return;
            }
            stream = event::Stream(state.loop, std::move(passed));
        }
        event::Task<void> task = state.handler(std::move(stream), client);
        co_await std::move(task);
    } catch (const event::StreamError& error) {
        if (error.kind() != event::StreamError::Kind::cancelled)
            logging::debug("a client's connection ended: {}", error.what());
    } catch (const std::exception& error) {
        unexpected = error.what();
    }
    if (!unexpected.empty())
        logging::error("a client's session ended by an unexpected exception: {}", unexpected);
}

event::Task<void> watch_idleness(Program::State& state) {
    auto max_idle = state.params->max_idle();
    while (!state.leaving) {
        auto pause = std::min<std::chrono::milliseconds>(kIdleLook, max_idle);
        co_await event::sleep_for(state.loop, pause);
        if (!state.is_idle())
            state.idle_since = event::Clock::now();
        else if (event::Clock::now() - state.idle_since >= max_idle)
            state.leave(false);
    }
}

event::Task<void> end_after_grace(Program::State& state) {
    co_await event::sleep_for(state.loop, kStopGrace);
    for (Client* client : state.clients)
        if (Seats::context(*client) != nullptr)
            Seats::context(*client)->cancel();
}

}  // namespace

void Client::set(State state) {
    state_ = state;
    if (context_ != nullptr && ends_now_ && ends_now_(state))
        context_->cancel();
}

void Program::State::tell(ToMaster message) {
    char octet = static_cast<char>(message);
    ::send(kControlDescriptor, &octet, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Program::State::seat_client(event::Fd descriptor) {
    auto client = std::make_unique<Client>();
    Client* seat = client.get();
    clients.insert(seat);
    idle_since = event::Clock::now();
    ++served;
    // Known even if the session ends within spawn(): the owner is this call until then.
    struct Slot {
        std::unique_ptr<Client> client;
    };
    auto slot = std::make_shared<Slot>(std::move(client));
    Seats::ends_now(*seat) = [this](Client::State now) {
        idle_since = event::Clock::now();
        return ends(now);
    };
    auto on_end = [this, slot] { client_ended(slot->client.get()); };
    loop.spawn(serve_seat(*this, std::move(descriptor), *seat), &Seats::context(*seat), on_end);
    if (!leaving && params->max_use() > 0 && served >= static_cast<std::uint64_t>(params->max_use()))
        leave(false);
}

void Program::State::client_ended(Client* client) {
    Seats::context(*client) = nullptr;
    clients.erase(client);
    idle_since = event::Clock::now();
    if (busy_told && static_cast<int>(clients.size()) < client_limit && !leaving) {
        busy_told = false;
        tell(ToMaster::available);
    }
    seat_freed->notify_all();
    maybe_finish();
}

void Program::State::leave(bool stop) {
    if (stop && !stopping) {
        stopping = true;
        loop.spawn(end_after_grace(*this));
        for (const auto& call : stop_calls)
            call();
    }
    if (!leaving) {
        leaving = true;
        tell(ToMaster::leaving);
        for (event::Context* context : accept_contexts)
            context->cancel();
        for (const auto& call : leave_calls)
            call();
    }
    end_idle_clients();
    maybe_finish();
}

bool Program::State::ends(Client::State state) const {
    return (leaving && state == Client::State::between_requests) || (stopping && state == Client::State::between_commands);
}

// Internal connections with nothing under way keep no process alive: whoever holds one makes a new one.
bool Program::State::is_idle() const {
    if (held > 0 || stays)
        return false;
    for (const Client* client : clients)
        if (client->state() != Client::State::between_requests)
            return false;
    return true;
}

void Program::State::end_idle_clients() {
    for (Client* client : clients)
        if (ends(client->state()) && Seats::context(*client) != nullptr)
            Seats::context(*client)->cancel();
}

void Program::State::maybe_finish() {
    if (leaving && clients.empty() && held == 0)
        loop.stop();
}

void Program::State::start_serving() {
    seat_freed = std::make_unique<event::Notice>(loop);
    client_limit = params->client_limit();
    loop.spawn(listen_to_master(*this));
    for (int i = 0; i < listeners; ++i) {
        sockets.push_back(std::make_unique<event::Listener>(loop, event::Fd(kFirstListener + i)));
        event::Context* context = nullptr;
        loop.spawn(accept_clients(*this, *sockets.back()), &context, nullptr);
        accept_contexts.push_back(context);
    }
    loop.spawn(watch_idleness(*this));
    tell(ToMaster::available);
}

Jailed::Jailed(std::unique_ptr<Program::State> state) : state_(std::move(state)) {}
Jailed::Jailed(Jailed&&) noexcept = default;
Jailed::~Jailed() = default;

event::Loop& Jailed::loop() { return state_->loop; }
const std::string& Jailed::service() const { return state_->service; }
void Jailed::on_wakeup(std::function<void()> call) { state_->wakeups.push_back(std::move(call)); }
void Jailed::leave_when(std::function<bool()> outdated) { state_->outdated = std::move(outdated); }
void Jailed::on_leave(std::function<void()> call) { state_->leave_calls.push_back(std::move(call)); }
void Jailed::on_stop(std::function<void()> call) { state_->stop_calls.push_back(std::move(call)); }
void Jailed::stay_when_idle() { state_->stays = true; }
void Jailed::hold() { ++state_->held; }
void Jailed::leave() { state_->leave(false); }
bool Jailed::leaving() const { return state_->leaving; }

void Jailed::release() {
    --state_->held;
    state_->idle_since = event::Clock::now();
    state_->maybe_finish();
}

int Jailed::serve(Handler handler) {
    state_->handler = std::move(handler);
    // Master's own signals: a terminal's Ctrl-C goes to the group, but only master decides.
    state_->loop.on_signal(SIGINT, [] {});
    state_->loop.on_signal(SIGTERM, [this] { state_->leave(true); });
    state_->start_serving();
    logging::set_buffered(true);
    state_->loop.run();
    state_->loop.cancel_all();
    logging::set_buffered(false);
    ::_exit(0);  // what is left belongs to this process alone; sockets close with it
}

}  // namespace worker
