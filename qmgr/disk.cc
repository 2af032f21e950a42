#include "qmgr/disk.h"

namespace qmgr {

Disk::Disk(event::Loop& loop) : loop_{loop}, pool_{loop, 1}, arrived_{loop} { loop.spawn(serve()); }

void Disk::run(Job job, Done done) {
    queue_.push_back({std::move(job), std::move(done), std::nullopt});
    ++pending_;
    arrived_.notify_one();
}

event::Task<std::optional<queue::Failure>> Disk::perform(Job job) {
    event::Notice notice{loop_};
    bool over = false;
    std::optional<queue::Failure> result;
    Done done = [&](const std::optional<queue::Failure>& trouble) {
        result = trouble;
        over = true;
        notice.notify_all();
    };
    run(std::move(job), std::move(done));
    while (!over)
        co_await notice.wait(false);
    co_return result;
}

event::Task<void> Disk::serve() {
    for (;;) {
        if (queue_.empty())
            co_await arrived_.wait();
        std::vector<Work> batch = std::exchange(queue_, {});
        auto job = [&batch] {
            for (Work& work : batch) {
                work.trouble = work.job();
                work.job = nullptr;  // closes what it holds, still in the thread
            }
        };
        co_await pool_.run(std::move(job));
        for (Work& work : batch) {
            --pending_;
            work.done(work.trouble);
        }
    }
}

}  // namespace qmgr
