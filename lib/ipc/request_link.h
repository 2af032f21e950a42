// lib/ipc/request_link.h - many requests at once over one connection to a service, each with its answer.
//
//     RequestLink<SieveDeliver, SieveDelivered> link(loop, "private/sieve");
//     std::expected<SieveDelivered, std::string> answer = co_await link.ask(std::move(request), std::move(descriptor));
//
// Both records have a `request_id`; this gives the numbers, so the caller leaves it alone. The connection is made when it is
// first needed, and again after a loss.
//
// Failure     a reason that names the socket, where the service cannot be reached, goes away or (with a time limit) does not
//             answer; what was outstanding fails with it.
// Lifetime    one per process and service. A caller that is cancelled is forgotten; its answer is dropped.
// Trust       answers are frames of at most `max_reply` octets; one with an unknown number is dropped.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lib/event/signal.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"

namespace ipc {

template <RecordType Request, RecordType Reply>
class RequestLink {
  public:
    struct Limits {
        std::chrono::milliseconds connect{10000};
        std::chrono::milliseconds answer{0};  // 0: none
        std::size_t max_reply = 65536;
    };

    RequestLink(event::Loop& loop, std::string socket, Limits limits)
        : state_(std::make_shared<State>(loop, std::move(socket), limits)) {}
    ~RequestLink() {
        if (state_->reader != nullptr)
            state_->reader->cancel();
    }
    RequestLink(const RequestLink&) = delete;

    // `descriptor` goes along where there is one.
    event::Task<std::expected<Reply, std::string>> ask(Request request, event::Fd descriptor) {
        std::shared_ptr<State> state = state_;
        Waiting waiting(state->loop);
        co_await ensure_connected(state);
        if (!state->connected)
            co_return std::unexpected(state->trouble);
        request.request_id = ++state->next_id;
        Registration registration(*state, request.request_id, waiting);
        if (descriptor)
            state->channel.write_with_fd(request, std::move(descriptor));
        else
            state->channel.write(request);
        state->channel.stream().push();
        while (!waiting.done)
            co_await waiting.answered.wait();
        co_return std::move(waiting.answer);
    }

  private:
    // In the frame of who waits.
    struct Waiting {
        explicit Waiting(event::Loop& loop) : answered(loop), answer(std::unexpected(std::string())) {}
        event::Notice answered;
        std::expected<Reply, std::string> answer;
        bool done = false;
    };

    struct State {
        State(event::Loop& the_loop, std::string the_socket, Limits the_limits)
            : loop(the_loop), socket(std::move(the_socket)), limits(the_limits), changed(the_loop) {}

        event::Loop& loop;
        std::string socket;
        Limits limits;
        Channel channel;
        bool connected = false;
        bool connecting = false;
        std::string trouble;
        event::Notice changed;
        event::Context* reader = nullptr;
        std::uint64_t next_id = 0;
        std::map<std::uint64_t, Waiting*> waiting;

        void settle(std::uint64_t id, std::expected<Reply, std::string> answer) {
            auto found = waiting.find(id);
            if (found == waiting.end())
                return;
            Waiting& one = *found->second;
            waiting.erase(found);
            one.answer = std::move(answer);
            one.done = true;
            one.answered.notify_all();
        }

        void lose(const std::string& why) {
            trouble = socket + ": " + (why.empty() ? "the connection was closed" : why);
            if (!why.empty())
                logging::warning("{}", trouble);
            connected = false;
            channel = Channel();
            while (!waiting.empty())
                settle(waiting.begin()->first, std::unexpected(trouble));
        }
    };

    class Registration {
      public:
        Registration(State& state, std::uint64_t id, Waiting& waiting) : state_(state), id_(id) {
            state_.waiting[id] = &waiting;
        }
        ~Registration() { state_.waiting.erase(id_); }
        Registration(const Registration&) = delete;

      private:
        State& state_;
        std::uint64_t id_;
    };

    static event::Task<void> read_answers(std::shared_ptr<State> state) {
        std::string why;
        for (bool going = true; going;) {
            try {
                std::optional<std::string_view> frame = co_await state->channel.next_frame(state->limits.max_reply);
                going = frame.has_value();
                if (frame) {
                    std::expected<Reply, std::string> reply = decode<Reply>(*frame);
                    if (reply)
                        state->settle(reply->request_id, *reply);
                    else
                        why = reply.error();
                    going = reply.has_value();
                }
            } catch (const event::StreamError& error) {
                // Silence is a fault only while somebody waits.
                going = error.kind() == event::StreamError::Kind::timeout && state->waiting.empty();
                if (!going && error.kind() != event::StreamError::Kind::cancelled)
                    why = error.what();
            }
        }
        state->lose(why);
    }

    static event::Task<void> ensure_connected(std::shared_ptr<State> state) {
        while (state->connecting)
            co_await state->changed.wait();
        if (state->connected)
            co_return;
        state->connecting = true;
        try {
            event::Task<Channel> connecting = connect_service(state->loop, state->socket, state->limits.connect);
            state->channel = co_await std::move(connecting);
            state->channel.stream().set_timeout(state->limits.answer);
            state->connected = true;
        } catch (const event::StreamError& error) {
            state->trouble = error.what();
        }
        state->connecting = false;
        state->changed.notify_all();
        if (!state->connected) {
            logging::warning("{}", state->trouble);
            co_return;
        }
        auto forget = [state] { state->reader = nullptr; };
        event::Task<void> reader = read_answers(state);
        state->loop.spawn(std::move(reader), &state->reader, forget);
    }

    std::shared_ptr<State> state_;
};

}  // namespace ipc
