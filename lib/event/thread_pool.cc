#include "lib/event/thread_pool.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "lib/log/log.h"

namespace event {

namespace {
constexpr std::size_t kStackSize = 512 * 1024;  // address space; only what is touched costs memory
}

struct ThreadPool::Impl {
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<std::function<void()>> jobs;
    std::vector<pthread_t> threads;
    unsigned limit = 1;
    std::size_t idle = 0;
    bool closing = false;

    void start_thread();
    static void* work(void* argument);
};

// The caller holds the mutex.
void ThreadPool::Impl::start_thread() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackSize);
    // Signals are the loop's: a worker thread must not take them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_t thread{};
    int failure = pthread_create(&thread, &attributes, work, this);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    if (failure == 0)
        threads.push_back(thread);
    else if (threads.empty())
        logging::fatal("cannot start a thread for blocking work: error {}", failure);
}

void* ThreadPool::Impl::work(void* argument) {
    auto& self = *static_cast<Impl*>(argument);
    std::unique_lock lock(self.mutex);
    for (;;) {
        while (self.jobs.empty() && !self.closing) {
            ++self.idle;
            self.filled.wait(lock);
            --self.idle;
        }
        if (self.jobs.empty())
            return nullptr;
        std::function<void()> job = std::move(self.jobs.front());
        self.jobs.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

ThreadPool::ThreadPool(Loop& loop, unsigned threads) : loop_(loop), impl_(std::make_unique<Impl>()) {
    impl_->limit = threads == 0 ? 1 : threads;
}

ThreadPool::~ThreadPool() {
    {
        std::lock_guard lock(impl_->mutex);
        impl_->closing = true;
    }
    impl_->filled.notify_all();
    for (pthread_t thread : impl_->threads)
        pthread_join(thread, nullptr);
}

void ThreadPool::post(std::function<void()> job) {
    std::lock_guard lock(impl_->mutex);
    impl_->jobs.push_back(std::move(job));
    if (impl_->idle < impl_->jobs.size() && impl_->threads.size() < impl_->limit)
        impl_->start_thread();
    if (impl_->idle > 0)
        impl_->filled.notify_one();
}

std::size_t ThreadPool::waiting() const {
    std::lock_guard lock(impl_->mutex);
    return impl_->jobs.size();
}

}  // namespace event
