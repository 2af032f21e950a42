// lib/delivery/agent.h - what all delivery agents share: taking requests from qmgr, answering, logging.
//
//     return jail.serve([&](event::Stream client, worker::Client& seat) {
//         return delivery::serve_requests(std::move(client), seat, jail.loop(), deliver);
//     });
//
// `deliver` is called for each request, several at once, and fills in a result for each recipient; log_result()
// writes the line that log readers know. A recipient without a result counts as deferred.
//
// Trust       qmgr is believed; see lib/ipc/records/deliver.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "lib/event/fd.h"
#include "lib/event/stream.h"
#include "lib/ipc/records/deliver.h"
#include "lib/queue/file_content.h"
#include "lib/worker/program.h"

namespace delivery {

using ipc::records::DeliverRecipient;
using ipc::records::DeliverRequest;
using ipc::records::DeliverResult;
using ipc::records::DeliverStatus;
using ipc::records::RecipientResult;

// One request under way.
struct Job {
    DeliverRequest request;
    queue::FileContent content;
    std::int64_t taken_us = 0;      // when the agent took it up
    std::int64_t connected_us = 0;  // when the way to the destination stood; 0 where there is none to stand
    DeliverResult result;

    Job(DeliverRequest the_request, event::Fd descriptor);

    // Notes the outcome for a recipient and writes its log line.
    void finish(const DeliverRecipient& recipient, RecipientResult outcome);
    // The same outcome for all that have none yet.
    void finish_all(const RecipientResult& outcome);
    bool has_result(std::uint32_t index) const;
};

using Deliver = std::function<event::Task<void>(Job&)>;

event::Task<void> serve_requests(event::Stream stream, worker::Client& seat, event::Loop& loop, Deliver deliver);

// A success is a delivery, for RFC 3464; an agent that only passes mail on says so in `action`.
RecipientResult make_result(DeliverStatus status, std::string dsn, std::string text, std::string relay);

// "1.2", "0.05", "12": seconds with at most two digits of meaning, as Postfix writes delays.
std::string format_delay(std::int64_t microseconds);

// "to=<a@example.test>, relay=..., delay=0.1, delays=0.01/0/0.02/0.07, dsn=2.0.0, status=sent (250 ok)"
std::string format_result(
    const Job& job, const DeliverRecipient& recipient, const RecipientResult& outcome, std::int64_t done_us);

// Reads the content in blocks, for as long as it is.
class ContentReader {
  public:
    explicit ContentReader(const Job& job) : reader_(job.content) {}
    // The next octets, empty at the end. Throws std::runtime_error where the queue file cannot be read.
    std::string_view next();

  private:
    queue::FileContent::Reader reader_;
};

}  // namespace delivery
