#include "lib/ipc/service_client.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "lib/event/signal.h"
#include "lib/log/log.h"

namespace ipc {

using event::Clock;
using event::Task;

namespace {

// A question on its way; it lives in the frame of the coroutine that asked.
struct Waiting {
    explicit Waiting(event::Loop& loop) : settled(loop) {}
    event::Notice settled;
    std::optional<ServiceClient::Answer> answer;
    ServiceClient::Question question;  // none where the talk belongs to one connection
    event::Fd descriptor;
    bool had_descriptor = false;
    bool sent = false;
    bool repeated = false;
    Clock::time_point until = Clock::time_point::max();

    void settle(ServiceClient::Answer the_answer) {
        answer = std::move(the_answer);
        settled.notify_all();
    }
};

}  // namespace

struct ServiceClient::State final : ServiceLink::Owner, std::enable_shared_from_this<ServiceClient::State> {
    State(event::Loop& the_loop, ServiceSettings settings, std::shared_ptr<Numbering> the_numbering)
        : loop(the_loop),
          numbering(std::move(the_numbering)),
          link(the_loop, std::move(settings), *this, numbering),
          changed(the_loop) {}

    event::Loop& loop;
    std::shared_ptr<Numbering> numbering;
    ServiceLink link;
    event::Notice changed;  // connected, or no connection to be had
    int connecting = 0;     // callers of connect()
    std::string trouble;
    std::uint64_t last_number = 0;
    std::map<std::uint64_t, Waiting*> waiting;
    bool watching = false;
    event::Context* watcher = nullptr;

    const std::string& socket() const { return link.settings().socket; }

    // The next number that no question has which still waits.
    std::uint64_t next_number() {
        do
            last_number = last_number < numbering->largest() ? last_number + 1 : 1;
        while (waiting.contains(last_number));
        return last_number;
    }

    void send(std::uint64_t number, Waiting& one) {
        one.sent = true;
        link.write(one.question(number), std::move(one.descriptor));
    }

    void link_ready() override {
        trouble.clear();
        for (auto& [number, one] : waiting)
            if (!one->sent)
                send(number, *one);
        changed.notify_all();
    }

    void link_frame(std::string_view frame) override {
        const std::optional<std::uint64_t> number = numbering->number_of(frame);
        if (!number) {
            const std::string fault = numbering->fault(frame);
            if (!fault.empty())
                link.drop(fault);
            return;
        }
        auto found = waiting.find(*number);
        if (found == waiting.end())
            return;  // nobody waits for it any more
        Waiting& one = *found->second;
        waiting.erase(found);
        one.settle(std::string(frame));
    }

    // What may be asked once more stays, unsent, for the next connection.
    bool may_repeat(const Waiting& one, bool reached) const {
        if (!reached || !one.question)
            return false;
        return !one.sent || (link.settings().repeatable && !one.repeated && !one.had_descriptor);
    }

    void link_down(const std::string& reason, bool reached) override {
        trouble = reached ? socket() + ": " + reason : reason;
        bool lost = false;
        for (auto at = waiting.begin(); at != waiting.end();) {
            Waiting& one = *at->second;
            if (may_repeat(one, reached)) {
                one.repeated = one.repeated || one.sent;
                one.sent = false;
                ++at;
                continue;
            }
            at = waiting.erase(at);
            lost = true;
            one.settle(std::unexpected(trouble));
        }
        if (lost)
            logging::warning("{}", trouble);
        if (!reached)
            changed.notify_all();
        if (!waiting.empty() || (reached && connecting > 0))
            link.want();
    }

    // Those whose time is over; the earliest moment of the others.
    Clock::time_point expire() {
        const Clock::time_point now = Clock::now();
        Clock::time_point next = Clock::time_point::max();
        for (auto at = waiting.begin(); at != waiting.end();) {
            Waiting& one = *at->second;
            if (one.until > now) {
                next = std::min(next, one.until);
                ++at;
                continue;
            }
            tell_cancelled(at->first, one);
            at = waiting.erase(at);
            one.settle(std::unexpected(socket() + ": no answer in time"));
        }
        return next;
    }

    void tell_cancelled(std::uint64_t number, const Waiting& one) {
        const std::string word = one.sent && link.ready() ? numbering->cancellation(number) : std::string();
        if (!word.empty())
            link.write(word);
    }
};

namespace {

using State = ServiceClient::State;

// Looks after the time limits for as long as there is a question.
Task<void> watch(std::shared_ptr<State> state) {
    for (;;) {
        const Clock::time_point next = state->expire();
        if (next == Clock::time_point::max())
            co_return;
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
        co_await event::sleep_for(state->loop, std::max(rest, std::chrono::milliseconds(1)));
    }
}

void start_watch(const std::shared_ptr<State>& state) {
    if (state->link.settings().answer.count() == 0 || state->watching)
        return;
    state->watching = true;
    state->loop.spawn(watch(state), &state->watcher, [state] {
        state->watching = false;
        state->watcher = nullptr;
    });
}

// Forgets the question when the coroutine that waits for it ends, however it ends.
class Registration {
  public:
    Registration(State& state, std::uint64_t number, Waiting& one) : state_(state), number_(number) {
        const std::chrono::milliseconds limit = state.link.settings().answer;
        if (limit.count() != 0)
            one.until = Clock::now() + limit;
        state_.waiting[number] = &one;
    }
    ~Registration() {
        auto found = state_.waiting.find(number_);
        if (found == state_.waiting.end())
            return;
        state_.tell_cancelled(number_, *found->second);
        state_.waiting.erase(found);
    }
    Registration(const Registration&) = delete;

  private:
    State& state_;
    std::uint64_t number_;
};

}  // namespace

ServiceClient::ServiceClient(event::Loop& loop, ServiceSettings settings, std::shared_ptr<Numbering> numbering)
    : state_(std::make_shared<State>(loop, std::move(settings), std::move(numbering))) {}

ServiceClient::~ServiceClient() {
    if (state_->watcher != nullptr)
        state_->watcher->cancel();
    const std::string gone = state_->socket() + ": the client has ended";
    for (auto& [number, one] : std::exchange(state_->waiting, {}))
        one->settle(std::unexpected(gone));
}

bool ServiceClient::connected() const { return state_->link.ready(); }
std::uint64_t ServiceClient::latest() const { return state_->last_number; }

void ServiceClient::tell(std::string_view octets) {
    if (state_->link.ready())
        state_->link.write(octets);
}

Task<ServiceClient::Answer> ServiceClient::ask(Question question, event::Fd descriptor) {
    std::shared_ptr<State> state = state_;
    Waiting one(state->loop);
    one.question = std::move(question);
    one.had_descriptor = static_cast<bool>(descriptor);
    one.descriptor = std::move(descriptor);
    const std::uint64_t number = state->next_number();
    Registration registration(*state, number, one);
    start_watch(state);
    // A connection whose other end has gone takes what is written and loses it; better to know before.
    state->link.renew_if_gone();
    if (state->link.ready())
        state->send(number, one);
    else
        state->link.want();
    while (!one.answer)
        co_await one.settled.wait();
    co_return std::move(*one.answer);
}

Task<ServiceClient::Answer> ServiceClient::go_on(std::uint64_t number, std::string octets) {
    std::shared_ptr<State> state = state_;
    if (!state->link.ready())
        co_return std::unexpected(state->trouble.empty() ? state->socket() + ": no connection" : state->trouble);
    Waiting one(state->loop);
    one.sent = true;
    Registration registration(*state, number, one);
    start_watch(state);
    state->link.write(octets);
    while (!one.answer)
        co_await one.settled.wait();
    co_return std::move(*one.answer);
}

Task<std::string> ServiceClient::connect() {
    std::shared_ptr<State> state = state_;
    state->link.renew_if_gone();
    if (state->link.ready())
        co_return std::string();
    ++state->connecting;
    std::shared_ptr<State> leaves(state.get(), [](State* one) { --one->connecting; });
    state->link.want();
    co_await state->changed.wait();
    co_return state->link.ready() ? std::string() : state->trouble;
}

}  // namespace ipc
