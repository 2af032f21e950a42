#include "lib/event/thread_pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "lib/log/log.h"

namespace event {

namespace {
constexpr std::size_t kStackSize = 512 * 1024;  // address space; only what is touched costs memory
}

// A job is handed to the thread that went to sleep last: its stack and caches are warm, and with few jobs few of
// the threads ever wake. The thread finds the job in its own slot and need not ask for the lock.
struct ThreadPool::Impl {
    struct Worker {
        Impl* pool = nullptr;
        pthread_t thread{};
        sem_t wake{};
        std::function<void()> job;
    };
    std::mutex mutex;
    std::deque<std::function<void()>> jobs;  // while every thread is busy
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<Worker*> idle;
    unsigned limit = 1;
    bool closing = false;

    bool start_thread(std::function<void()>& job);
    bool next_job(Worker& worker);
    static void* work(void* argument);
};

// The caller holds the mutex. Takes the job where a thread could be started.
bool ThreadPool::Impl::start_thread(std::function<void()>& job) {
    auto worker = std::make_unique<Worker>();
    worker->pool = this;
    worker->job = std::move(job);
    sem_init(&worker->wake, 0, 1);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackSize);
    // Signals are the loop's: a worker thread must not take them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failure = pthread_create(&worker->thread, &attributes, work, worker.get());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    if (failure == 0) {
        workers.push_back(std::move(worker));
        return true;
    }
    if (workers.empty())
        logging::fatal("cannot start a thread for blocking work: error {}", failure);
    job = std::move(worker->job);
    sem_destroy(&worker->wake);
    return false;
}

// False where none is left: the worker is on the idle list then, or shall end.
bool ThreadPool::Impl::next_job(Worker& worker) {
    std::function<void()> done = std::exchange(worker.job, nullptr);  // destroyed without the lock
    std::lock_guard lock(mutex);
    if (!jobs.empty()) {
        worker.job = std::move(jobs.front());
        jobs.pop_front();
        return true;
    }
    if (!closing)
        idle.push_back(&worker);
    else
        sem_post(&worker.wake);
    return false;
}

void* ThreadPool::Impl::work(void* argument) {
    auto& worker = *static_cast<Worker*>(argument);
    for (;;) {
        while (sem_wait(&worker.wake) != 0) {
        }
        if (!worker.job)
            return nullptr;  // woken to end
        do
            worker.job();
        while (worker.pool->next_job(worker));
    }
}

ThreadPool::ThreadPool(Loop& loop, unsigned threads) : loop_(loop), impl_(std::make_unique<Impl>()) {
    impl_->limit = threads == 0 ? 1 : threads;
}

ThreadPool::~ThreadPool() {
    {
        std::lock_guard lock(impl_->mutex);
        impl_->closing = true;
        for (Impl::Worker* worker : impl_->idle)
            sem_post(&worker->wake);
    }
    for (const auto& worker : impl_->workers) {
        pthread_join(worker->thread, nullptr);
        sem_destroy(&worker->wake);
    }
}

void ThreadPool::post(std::function<void()> job) {
    Impl::Worker* worker = nullptr;
    {
        std::lock_guard lock(impl_->mutex);
        if (!impl_->idle.empty()) {
            worker = impl_->idle.back();
            impl_->idle.pop_back();
            worker->job = std::move(job);
        } else if (impl_->workers.size() >= impl_->limit || !impl_->start_thread(job)) {
            impl_->jobs.push_back(std::move(job));
        }
    }
    if (worker != nullptr)
        sem_post(&worker->wake);
}

std::size_t ThreadPool::waiting() const {
    std::lock_guard lock(impl_->mutex);
    return impl_->jobs.size();
}

}  // namespace event
