// A queue manager in a directory of its own, with agents that do as the recipient's name says.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/delivery/agent.h"
#include "lib/event/endpoint.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/bounce.h"
#include "lib/time/clock.h"
#include "qmgr/scanner.h"
#include "qmgr/scheduler.h"

namespace qmgr_test {

struct FakeRouting : qmgr::Routing {
    std::unique_ptr<qmgr::Routing> real;  // in place of what is below
    std::unique_ptr<qmgr::Routing> set_aside;
    event::Task<std::expected<qmgr::Route, std::string>> resolve(
        const question::Asker& asker, std::string sender, std::string recipient) override {
        if (real)
            co_return co_await real->resolve(asker, std::move(sender), std::move(recipient));
        if (recipient.starts_with("table-down"))
            co_return std::unexpected(std::string("no answer"));
        qmgr::Route route;
        route.transport = recipient.ends_with("@nowhere.test") ? "missing" : "lmtp";
        route.nexthop = recipient.substr(recipient.find('@') + 1);
        route.recipient = recipient;
        co_return route;
    }
};

class Fixture {
  public:
    Fixture() {
        char name[] = "/tmp/malleposte-qmgr-XXXXXX";
        path = mkdtemp(name);
        before = std::filesystem::current_path();
        std::filesystem::current_path(path);
        std::filesystem::create_directory("private");
        spool = std::make_unique<queue::Spool>(std::move(*queue::Spool::open(".")));
        static_cast<void>(spool->create_directories());
        params.queue_run_delay.set(std::chrono::seconds(3600));
        params.minimal_backoff_time.set(std::chrono::seconds(2));
    }
    ~Fixture() {
        loop.cancel_all();
        loop.run_until_idle();
        scanner.reset();
        scheduler.reset();
        std::filesystem::current_path(before);
        std::filesystem::remove_all(path);
    }

    void start(bool with_agents = true) {
        if (with_agents) {
            for (const char* service : {"lmtp", "retry"}) {
                listeners.push_back(std::make_unique<event::Listener>(
                    loop, std::move(*event::listen_at_path(std::string("private/") + service, 0600))));
                loop.spawn(accept_agents(*listeners.back(), *this));
            }
        }
        listeners.push_back(
            std::make_unique<event::Listener>(loop, std::move(*event::listen_at_path("private/bounce", 0600))));
        loop.spawn(accept_bounces(*listeners.back(), *this));
        scheduler = std::make_unique<qmgr::Scheduler>(loop, params, main_cf, routing);
        scanner = std::make_unique<qmgr::Scanner>(loop, params, *spool, *scheduler);
    }

    void write(const std::string& id, const std::vector<std::string>& recipients,
        const std::string& sender = "alice@example.test", std::int64_t age_seconds = 0,
        queue::QueueName queue = queue::QueueName::incoming) {
        queue::Envelope envelope;
        envelope.queue_id = id;
        envelope.mail.sender = sender;
        envelope.mail.arrival_us = wall_clock::now_us() - age_seconds * 1'000'000;
        for (const std::string& recipient : recipients)
            envelope.recipients.push_back({recipient, "", "", notify});
        envelope.expanded = expanded;
        auto writer = spool->create(queue, id);
        static_cast<void>(writer->append("Subject: x\r\n\r\nbody\r\n"));
        static_cast<void>(writer->commit(queue::encode_envelope(envelope), envelope.mail.arrival_us, false));
    }

    // Runs until `done` or for five seconds.
    template <class Condition>
    bool run_until(Condition done) {
        bool met = false;
        loop.spawn(poll(loop, done, met));
        loop.run();
        return met;
    }
    template <class Condition>
    static event::Task<void> poll(event::Loop& loop, Condition& done, bool& met) {
        for (int i = 0; i < 500 && !met; ++i) {
            co_await event::sleep_for(loop, std::chrono::milliseconds(10));
            met = done();
        }
        loop.stop();
    }
    std::string where(const std::string& id) const {
        const auto found = spool->find(id);
        return found ? std::string{name_of(*found)} : "gone";
    }
    queue::Message stored(const std::string& id) const {
        return std::move(spool->look(id, queue::Verify::content_too)->value().message);
    }

    static event::Task<void> deliver(delivery::Job& job, Fixture& fixture) {
        ++fixture.requests;
        ++fixture.busy;
        fixture.most_busy = std::max(fixture.most_busy, fixture.busy);
        if (fixture.slow)
            co_await event::sleep_for(fixture.loop, std::chrono::milliseconds(5));
        --fixture.busy;
        if (job.request.transport == "retry") {
            fixture.retried.push_back(job.request.nexthop);
            job.finish_all(delivery::make_result(delivery::DeliverStatus::deferred, "4.4.1", job.request.nexthop, ""));
            co_return;
        }
        fixture.order.push_back(job.request.queue_id);
        for (const auto& recipient : job.request.recipients) {
            if (recipient.recipient.address.starts_with("dead")) {
                job.result.destination_failed = true;
                job.result.failure_dsn = "4.4.1";
                job.result.failure_text = "connect to dead: Connection refused";
            }
            fixture.finish(job, recipient);
        }
    }
    void finish(delivery::Job& job, const delivery::DeliverRecipient& recipient) {
        using delivery::DeliverStatus;
        DeliverStatus status = DeliverStatus::delivered;
        if (recipient.recipient.address.starts_with("defer") || recipient.recipient.address.starts_with("dead"))
            status = DeliverStatus::deferred;
        else if (recipient.recipient.address.starts_with("bounce"))
            status = DeliverStatus::bounced;
        else
            delivered.push_back(recipient.recipient.address);
        const char* dsn = status == DeliverStatus::delivered  ? "2.0.0"
                          : status == DeliverStatus::deferred ? "4.2.0"
                                                              : "5.1.1";
        delivery::RecipientResult result = delivery::make_result(status, dsn, "as the name says", "fake");
        if (recipient.recipient.address.starts_with("relay"))
            result.action = envelope::Action::relayed;
        if (recipient.recipient.address.starts_with("dsn"))
            result.action = envelope::Action::passed_on;
        job.finish(recipient, std::move(result));
    }
    static event::Task<void> accept_agents(event::Listener& listener, Fixture& fixture) {
        for (;;) {
            event::Fd client = co_await listener.accept();
            auto deliver_one = [&fixture](delivery::Job& job) { return deliver(job, fixture); };
            fixture.loop.spawn(delivery::serve_requests(
                event::Stream{fixture.loop, std::move(client)}, fixture.seat, fixture.loop, deliver_one));
        }
    }
    static event::Task<void> accept_bounces(event::Listener& listener, Fixture& fixture) {
        for (;;) {
            event::Fd client = co_await listener.accept();
            fixture.loop.spawn(serve_bounces(ipc::Channel{event::Stream{fixture.loop, std::move(client)}}, fixture));
        }
    }
    static event::Task<void> serve_bounces(ipc::Channel channel, Fixture& fixture) {
        for (;;) {
            auto request = co_await channel.receive<ipc::records::BounceRequest>();
            if (!request)
                co_return;
            ipc::records::BounceReply reply;
            reply.request_id = request->request_id;
            reply.ok = !fixture.bounce_refuses;
            reply.reason = "no";
            fixture.bounces.push_back(std::move(*request));
            channel.write(reply);
            co_await channel.stream().flush();
        }
    }

    std::string path;
    std::filesystem::path before;
    event::Loop loop;
    qmgr::Params params;
    config::MainCf main_cf;
    FakeRouting routing;
    worker::Client seat;
    std::unique_ptr<queue::Spool> spool;
    std::vector<std::unique_ptr<event::Listener>> listeners;
    std::unique_ptr<qmgr::Scheduler> scheduler;
    std::unique_ptr<qmgr::Scanner> scanner;

    std::uint32_t notify = 0;  // of the recipients that write() makes
    std::vector<envelope::Recipient> expanded;
    int requests = 0;
    int busy = 0;
    int most_busy = 0;
    bool slow = false;
    bool bounce_refuses = false;
    std::vector<std::string> delivered;
    std::vector<std::string> order;
    std::vector<std::string> retried;
    std::vector<ipc::records::BounceRequest> bounces;
};

}  // namespace qmgr_test
