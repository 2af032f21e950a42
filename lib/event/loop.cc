#include "lib/event/loop.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <set>

#include "lib/event/fd.h"
#include "lib/event/libevent.h"
#include "lib/log/log.h"

namespace event {

struct Root {
    Context context;
    std::function<void()> on_end;
};

struct Loop::Impl {
    event_base* base = nullptr;
    bool stopped = false;
    std::uint64_t turn = 0;
    std::deque<std::coroutine_handle<>> ready;
    std::set<Root*> roots;
    std::unique_ptr<char[]> scratch;
    std::vector<std::pair<libevent_event*, std::unique_ptr<std::function<void()>>>> signals;

    std::mutex mutex;  // guards what other threads post
    std::vector<std::coroutine_handle<>> posted;
    std::vector<std::function<void()>> calls;
    bool awake = false;
    Fd wake;
    libevent_event* wake_event = nullptr;

    void take_posted();
    void run_ready();
    void wake_up();
};

namespace {

// The self-owning coroutine around a root task.
struct Detached {
    struct promise_type {
        Context* context = nullptr;
        promise_type(Task<void>&, Root* root, Loop::Impl*) : context(&root->context) {}
        Detached get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

Detached run_root(Task<void> task, Root* root, Loop::Impl* loop) {
    try {
        co_await std::move(task);
    } catch (const StreamError& error) {
        if (error.kind() != StreamError::Kind::cancelled)
            logging::warning("a connection ended without its session taking note: {}", error.what());
    } catch (const std::exception& error) {
        logging::error("a task ended by an unexpected exception: {}", error.what());
    }
    loop->roots.erase(root);
    std::function<void()> on_end = std::move(root->on_end);
    delete root;
    if (on_end)
        on_end();
}

void on_wake(int descriptor, short, void* argument) {
    std::uint64_t count = 0;
    [[maybe_unused]] ssize_t got = ::read(descriptor, &count, sizeof count);
    static_cast<Loop::Impl*>(argument)->take_posted();
}

void on_signal_event(int, short, void* argument) { (*static_cast<std::function<void()>*>(argument))(); }

}  // namespace

void Loop::Impl::take_posted() {
    std::vector<std::coroutine_handle<>> handles;
    std::vector<std::function<void()>> functions;
    {
        std::lock_guard lock(mutex);
        handles.swap(posted);
        functions.swap(calls);
        awake = false;
    }
    ready.insert(ready.end(), handles.begin(), handles.end());
    for (std::function<void()>& function : functions)
        function();
}

void Loop::Impl::run_ready() {
    // Only those that are ready now: what they schedule waits for the next turn, after the sockets.
    for (std::size_t count = ready.size(); count > 0 && !ready.empty(); --count) {
        std::coroutine_handle<> handle = ready.front();
        ready.pop_front();
        handle.resume();
    }
}

void Loop::Impl::wake_up() {
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t put = ::write(wake.get(), &one, sizeof one);
}

Loop::Loop() : impl_(std::make_unique<Impl>()) {
    ::signal(SIGPIPE, SIG_IGN);
    event_config* config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
    impl_->base = event_base_new_with_config(config);
    event_config_free(config);
    if (impl_->base == nullptr)
        logging::fatal("cannot make an event loop: no epoll, or out of descriptors");
    impl_->wake.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!impl_->wake)
        logging::fatal("cannot make an eventfd: out of descriptors");
    impl_->wake_event = event_new(impl_->base, impl_->wake.get(), EV_READ | EV_PERSIST, on_wake, impl_.get());
    event_add(impl_->wake_event, nullptr);
}

Loop::~Loop() {
    for (auto& [handler, call] : impl_->signals)
        event_free(handler);
    event_free(impl_->wake_event);
    event_base_free(impl_->base);
}

void Loop::run() {
    impl_->stopped = false;
    while (!impl_->stopped) {
        ++impl_->turn;
        impl_->run_ready();
        if (impl_->stopped)
            break;
        if (impl_->ready.empty())
            logging::flush();  // before the process sleeps
        event_base_loop(impl_->base, impl_->ready.empty() ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
    }
}

void Loop::run_until_idle() {
    while (!impl_->roots.empty() || !impl_->ready.empty()) {
        ++impl_->turn;
        impl_->run_ready();
        if (impl_->ready.empty())
            logging::flush();
        if (!impl_->roots.empty())
            event_base_loop(impl_->base, impl_->ready.empty() ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
    }
}

void Loop::stop() {
    impl_->stopped = true;
    event_base_loopbreak(impl_->base);
}

void Loop::spawn(Task<void> task) { spawn(std::move(task), nullptr, nullptr); }

void Loop::spawn(Task<void> task, Context** context, std::function<void()> on_end) {
    Root* root = new Root;
    root->on_end = std::move(on_end);
    impl_->roots.insert(root);
    if (context != nullptr)
        *context = &root->context;
    run_root(std::move(task), root, impl_.get());
}

std::size_t Loop::tasks() const { return impl_->roots.size(); }

void Loop::cancel_all() {
    std::vector<Root*> roots(impl_->roots.begin(), impl_->roots.end());
    for (Root* root : roots)
        root->context.cancel();  // only schedules, so none of them goes away meanwhile
}

void Loop::schedule(std::coroutine_handle<> handle) { impl_->ready.push_back(handle); }

void Loop::post(std::coroutine_handle<> handle) {
    bool wake = false;
    {
        std::lock_guard lock(impl_->mutex);
        impl_->posted.push_back(handle);
        wake = !std::exchange(impl_->awake, true);
    }
    if (wake)
        impl_->wake_up();
}

void Loop::post(std::function<void()> call) {
    bool wake = false;
    {
        std::lock_guard lock(impl_->mutex);
        impl_->calls.push_back(std::move(call));
        wake = !std::exchange(impl_->awake, true);
    }
    if (wake)
        impl_->wake_up();
}

void Loop::on_signal(int signal, std::function<void()> call) {
    auto kept = std::make_unique<std::function<void()>>(std::move(call));
    libevent_event* handler = evsignal_new(impl_->base, signal, on_signal_event, kept.get());
    event_add(handler, nullptr);
    impl_->signals.emplace_back(handler, std::move(kept));
}

std::uint64_t Loop::turn() const { return impl_->turn; }
event_base* Loop::base() const { return impl_->base; }

char* Loop::scratch() {
    if (!impl_->scratch)
        impl_->scratch = std::make_unique<char[]>(kScratchSize);
    return impl_->scratch.get();
}

namespace {
void on_sleep_over(int, short, void* argument) { static_cast<Sleep*>(argument)->fire(); }
}  // namespace

void Sleep::arm() {
    auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(duration_).count();
    timeval interval{static_cast<time_t>(microseconds / 1000000), static_cast<suseconds_t>(microseconds % 1000000)};
    timer_ = evtimer_new(loop_.base(), on_sleep_over, this);
    evtimer_add(timer_, &interval);
}

void Sleep::fire() {
    event_free(std::exchange(timer_, nullptr));
    loop_.schedule(handle_);
}

void Sleep::cancel() {
    if (timer_ != nullptr)  // otherwise it has fired, and is scheduled already
        fire();
}

}  // namespace event
