#include "qmgr/scanner.h"

#include "lib/log/log.h"
#include "lib/queue/queue_id.h"
#include "lib/text/text.h"
#include "lib/time/clock.h"

namespace qmgr {

using namespace std::chrono_literals;

namespace {
constexpr auto kClockLook = 10s;  // so that mail put off until a moment far away is not waited for
}  // namespace

Scanner::Scanner(event::Loop& loop, const Params& params, const queue::Spool& spool, Scheduler& scheduler)
    : loop_{loop},
      params_{params},
      spool_{spool},
      scheduler_{scheduler},
      pool_{loop, 3},
      incoming_notice_{loop},
      deferred_notice_{loop},
      room_{loop} {
    scheduler_.on_room([this] { room_was_made(); });
    scheduler_.on_clock_jump([this] { want_deferred(); });
    loop_.spawn(serve_incoming());
    loop_.spawn(serve_deferred());
    loop_.spawn(tick());
    loop_.spawn(watch_clock());
}

void Scanner::want_incoming() {
    incoming_wanted_ = true;
    incoming_notice_.notify_all();
}

void Scanner::want_deferred() {
    deferred_wanted_ = true;
    deferred_notice_.notify_all();
}

void Scanner::flush_all() {
    scheduler_.revive_all();
    all_wanted_ = true;
    want_incoming();
    deferred_notice_.notify_all();
}

void Scanner::flush_site(std::string domain) {
    sites_wanted_.insert(text::lower(domain));
    deferred_notice_.notify_all();
}

void Scanner::room_was_made() {
    if (room_.has_waiters() && scheduler_.has_room(true))
        room_.notify_all();
    if (overflow_ && scheduler_.has_room(true)) {
        overflow_ = false;
        want_incoming();
    }
}

event::Task<void> Scanner::scan(std::vector<queue::QueueName> queues, bool old_mail, Wanted wanted) {
    queue::Scan scan = spool_.scan(std::move(queues));
    wanted.now = wall_clock::now_seconds();
    wanted.longest_wait = params_.maximal_backoff_time().count() + params_.minimal_backoff_time().count();
    for (;;) {
        while (!scheduler_.has_room(old_mail))
            co_await room_.wait();
        auto job = [&] { return load_slice(spool_, scan, wanted); };
        Slice slice = co_await pool_.run(std::move(job));
        if (const auto trouble = scan.trouble())
            logging::warning("{}", trouble->text);
        for (auto& message : slice.messages)
            scheduler_.admit(std::move(message));
        if (slice.end)
            co_return;
    }
}

event::Task<void> Scanner::serve_incoming() {
    for (;;) {
        while (!incoming_wanted_)
            co_await incoming_notice_.wait();
        incoming_wanted_ = false;
        std::vector<queue::QueueName> queues = queue::fresh_queues();
        Wanted everything;
        everything.fresh = true;
        co_await scan(std::move(queues), false, std::move(everything));
    }
}

event::Task<void> Scanner::serve_deferred() {
    for (;;) {
        while (!deferred_wanted_ && !all_wanted_ && sites_wanted_.empty())
            co_await deferred_notice_.wait();
        Wanted wanted;  // all that was asked for since the last time, in one search
        wanted.due = std::exchange(deferred_wanted_, false);
        wanted.all = std::exchange(all_wanted_, false);
        wanted.sites = std::exchange(sites_wanted_, {});
        std::vector<queue::QueueName> queues = queue::deferred_queues();
        co_await scan(std::move(queues), true, std::move(wanted));
    }
}

event::Task<void> Scanner::tick() {
    // After a reload the process before this one lets its messages go little by little.
    for (const std::chrono::seconds pause : {1s, 2s, 4s, 8s, 16s, 32s}) {
        co_await event::sleep_for(loop_, pause);
        want_incoming();
        want_deferred();
    }
    for (;;) {
        co_await event::sleep_for(loop_, params_.queue_run_delay());
        want_incoming();
        want_deferred();
    }
}

event::Task<void> Scanner::watch_clock() {
    for (;;) {
        co_await event::sleep_for(loop_, kClockLook);
        scheduler_.look_at_clock();
    }
}

event::Task<std::string> Scanner::flush_id(std::string id) {
    if (!queue::is_queue_id(id))
        co_return std::string{"invalid queue id"};
    if (scheduler_.is_active(id))
        co_return std::string{};
    auto job = [&] { return load_message(spool_.claim(id), id); };
    std::unique_ptr<Message> message = co_await pool_.run(std::move(job));
    if (!message)
        co_return "no message " + id + " waits in the deferred queue";
    message->flush = true;
    scheduler_.admit(std::move(message));
    co_return std::string{};
}

}  // namespace qmgr
