#include "lib/delivery/agent.h"

#include <fmt/format.h>
#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "lib/event/scope.h"
#include "lib/ipc/channel.h"
#include "lib/log/log.h"
#include "lib/time/clock.h"

namespace delivery {
namespace {

const char* status_word(DeliverStatus status) {
    switch (status) {
    case DeliverStatus::delivered: return "sent";
    case DeliverStatus::bounced: return "bounced";
    case DeliverStatus::deferred: break;
    }
    return "deferred";
}

// One connection from qmgr: requests come in, results go out, in any order.
struct Connection {
    Connection(event::Stream stream, worker::Client& the_seat, event::Loop& loop, Deliver the_deliver)
        : channel(std::move(stream)), seat(the_seat), jobs(loop), deliver(std::move(the_deliver)) {}
    ipc::Channel channel;
    worker::Client& seat;
    event::Scope jobs;
    Deliver deliver;
    std::size_t under_way = 0;
};

event::Task<void> run_job(Connection& connection, DeliverRequest request, event::Fd content) {
    Job job(std::move(request), std::move(content));
    std::string failure;
    try {
        event::Task<void> task = connection.deliver(job);
        co_await std::move(task);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty())
        logging::warning("{}: {}", job.request.queue_id, failure);
    job.finish_all(make_result(
        DeliverStatus::deferred, "4.3.0", failure.empty() ? "no result from the delivery agent" : failure, "none"));
    job.result.request_id = job.request.request_id;
    job.result.last = true;
    connection.channel.write(job.result);
    connection.channel.stream().push();
    if (--connection.under_way == 0)
        connection.seat.set(worker::Client::State::between_requests);
}

}  // namespace

Job::Job(DeliverRequest the_request, event::Fd descriptor)
    : request(std::move(the_request)), content(std::move(descriptor), request.content), taken_us(wall_clock::now_us()) {}

bool Job::has_result(std::uint32_t index) const {
    return std::any_of(result.recipients.begin(), result.recipients.end(),
        [&](const RecipientResult& known) { return known.index == index; });
}

void Job::finish(const DeliverRecipient& recipient, RecipientResult outcome) {
    outcome.index = recipient.index;
    logging::info("{}: {}", request.queue_id, format_result(*this, recipient, outcome, wall_clock::now_us()));
    result.recipients.push_back(std::move(outcome));
}

void Job::finish_all(const RecipientResult& outcome) {
    for (const DeliverRecipient& recipient : request.recipients)
        if (!has_result(recipient.index))
            finish(recipient, outcome);
}

RecipientResult make_result(DeliverStatus status, std::string dsn, std::string text, std::string relay) {
    RecipientResult outcome;
    outcome.status = status;
    outcome.dsn = std::move(dsn);
    outcome.text = std::move(text);
    outcome.relay = std::move(relay);
    if (status == DeliverStatus::delivered)
        outcome.action = envelope::Action::delivered;
    return outcome;
}

std::string format_delay(std::int64_t microseconds) {
    microseconds = std::max<std::int64_t>(microseconds, 0);
    std::int64_t hundredths = (microseconds + 5000) / 10000;
    if (hundredths >= 1000)
        return std::to_string((microseconds + 500000) / 1000000);
    if (hundredths >= 100)
        return fmt::format("{}.{}", (hundredths + 5) / 100, (hundredths + 5) / 10 % 10);
    if (hundredths == 0)
        return "0";
    std::string text = fmt::format("0.{:02}", hundredths);
    return text.ends_with('0') ? text.substr(0, 3) : text;
}

std::string format_result(
    const Job& job, const DeliverRecipient& recipient, const RecipientResult& outcome, std::int64_t done_us) {
    const DeliverRequest& request = job.request;
    const envelope::Recipient& whom = recipient.recipient;
    std::string to = fmt::format("to=<{}>, ", whom.address);
    if (whom.given() != whom.address)
        to += fmt::format("orig_to=<{}>, ", whom.given());
    std::int64_t ready = job.connected_us != 0 ? job.connected_us : job.taken_us;
    return fmt::format("{}relay={}, delay={}, delays={}/{}/{}/{}, dsn={}, status={} ({})", to, outcome.relay,
        format_delay(done_us - request.mail.arrival_us), format_delay(request.active_us - request.mail.arrival_us),
        format_delay(job.taken_us - request.active_us), format_delay(ready - job.taken_us), format_delay(done_us - ready),
        outcome.dsn, status_word(outcome.status), outcome.text);
}

event::Task<void> serve_requests(event::Stream stream, worker::Client& seat, event::Loop& loop, Deliver deliver) {
    Connection connection(std::move(stream), seat, loop, std::move(deliver));
    connection.seat.set(worker::Client::State::between_requests);
    std::optional<event::StreamError> broken;
    try {
        for (;;) {
            std::expected<DeliverRequest, std::string> request = co_await connection.channel.receive<DeliverRequest>();
            if (!request)
                break;
            event::Fd content = connection.channel.stream().take_fd();
            ++connection.under_way;
            connection.seat.set(worker::Client::State::busy);
            connection.jobs.spawn(run_job(connection, std::move(*request), std::move(content)));
        }
    } catch (const event::StreamError& error) {
        broken = error;
    }
    // What has begun is finished, whether or not qmgr still hears the answer: a delivery cut short might be
    // made twice.
    co_await connection.jobs.close();
    if (broken)
        throw *broken;
}

std::string_view ContentReader::next() {
    const auto block = reader_.next();
    if (!block)
        throw std::runtime_error(block.error());
    return *block;
}

}  // namespace delivery
