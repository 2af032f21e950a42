// lib/ipc/service_client.h - questions to a service, each with one answer, many at a time over one kept connection.
//
//     RecordClient<SieveDeliver, SieveDelivered> sieve(loop, settings);
//     std::expected<SieveDelivered, std::string> answer = co_await sieve.ask(std::move(request), std::move(descriptor));
//
// A question has a number, and the answer the same; RecordClient gives the numbers to the `request_id` of its records, and
// other protocols (Dovecot's auth) say with a Numbering where theirs are. The connection is made when it is first needed,
// and again after a loss. A question that met a connection which ended before the question was sent is asked again; one that
// was lost on its way only where settings.repeatable says that this does no harm, and only once.
//
// Failure     a reason that names the socket, where the service cannot be reached, goes away or (settings.answer) does not
//             answer in time. Only cancellation is thrown.
// Lifetime    one per process and service. A caller that is cancelled is forgotten and harms no other; its answer is
// dropped,
//             and the service is told where the protocol has a word for it.
// Trust       answers are frames of at most max_frame octets; one with an unknown number is dropped.
// See also    lib/ipc/service_link.h for the three ways to talk to a service.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/ipc/service_link.h"

namespace ipc {

// Where a protocol has its numbers, and how its frames look.
class Numbering : public Framing {
  public:
    // The question that the frame answers; none for what answers nobody.
    virtual std::optional<std::uint64_t> number_of(std::string_view frame) = 0;
    // What tells the service that nobody waits any more; empty where the protocol has no word for it.
    virtual std::string cancellation(std::uint64_t) { return {}; }
    // Whether the service has gone so wrong that the connection must end: the reason. Looked at for frames without a number.
    virtual std::string fault(std::string_view) { return {}; }
    // The largest number that the protocol has; after it comes 1 again.
    virtual std::uint64_t largest() const { return UINT64_MAX; }
};

class ServiceClient {
  public:
    using Answer = std::expected<std::string, std::string>;      // the frame, or the reason
    using Question = std::function<std::string(std::uint64_t)>;  // the octets, for the number that it gets

    ServiceClient(event::Loop& loop, ServiceSettings settings, std::shared_ptr<Numbering> numbering);
    ~ServiceClient();
    ServiceClient(const ServiceClient&) = delete;

    event::Task<Answer> ask(Question question, event::Fd descriptor = {});
    // Says more in a talk that has its number already, over the same connection, and waits for what comes then.
    event::Task<Answer> go_on(std::uint64_t number, std::string octets);
    // Connected and greeted afterwards, or the reason why not.
    event::Task<std::string> connect();
    // Says something that has no answer; nothing where there is no connection.
    void tell(std::string_view octets);
    bool connected() const;
    // The number that the latest question got.
    std::uint64_t latest() const;

    struct State;

  private:
    std::shared_ptr<State> state_;
};

// Questions and answers that are records with a `request_id`.
template <RecordType Reply>
class RecordNumbering final : public Numbering {
  public:
    std::optional<std::uint64_t> number_of(std::string_view frame) override {
        decoded_ = decode<Reply>(frame);
        return decoded_ ? std::optional(decoded_->request_id) : std::nullopt;
    }
    // Another record than the one wanted: whatever this is, it is not the service.
    std::string fault(std::string_view) override { return decoded_ ? std::string() : decoded_.error(); }

  private:
    std::expected<Reply, std::string> decoded_;
};

template <RecordType Request, RecordType Reply>
class RecordClient {
  public:
    RecordClient(event::Loop& loop, ServiceSettings settings)
        : client_(loop, std::move(settings), std::make_shared<RecordNumbering<Reply>>()) {}

    // `descriptor` goes along where there is one.
    event::Task<std::expected<Reply, std::string>> ask(Request request, event::Fd descriptor = {}) {
        ServiceClient::Question question = [&request](std::uint64_t number) {
            request.request_id = number;
            return encode(request);
        };
        ServiceClient::Answer answer = co_await client_.ask(std::move(question), std::move(descriptor));
        if (!answer)
            co_return std::unexpected(std::move(answer.error()));
        co_return decode<Reply>(*answer);
    }

  private:
    ServiceClient client_;
};

}  // namespace ipc
