#include "cleanup/signer/requests.h"

#include "lib/event/error.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/signer.h"
#include "lib/log/log.h"

namespace signer {
namespace {

using ipc::records::SignAnswer;
using ipc::records::SignItem;
using ipc::records::SignReply;
using ipc::records::SignRequest;

constexpr std::size_t kMaxRequest = 64 << 10;
constexpr std::size_t kHash = 32;

SignAnswer sign(const SignItem& item, const KeyRing& keys) {
    SignAnswer answer;
    const auto key = keys.find(item.key_file);
    if (!key) {
        answer.reason = key.error();
        return answer;
    }
    const bool rsa = key->type() == dkim::KeyType::rsa;
    const std::string& hash = rsa ? item.rsa_hash : item.ed25519_hash;
    const auto signature = hash.size() == kHash ? key->sign(hash) : std::unexpected(std::string("no hash"));
    if (!signature) {
        answer.reason = item.key_file + ": " + signature.error();
        return answer;
    }
    answer.algorithm = rsa ? "rsa-sha256" : "ed25519-sha256";
    answer.signature = *signature;
    return answer;
}

event::Task<std::string> converse(ipc::Channel& channel, worker::Client& seat, const KeyRing& keys, event::ThreadPool& pool,
    const std::function<bool()>& outdated) {
    for (;;) {
        seat.set(worker::Client::State::between_requests);
        const std::optional<std::string_view> frame = co_await channel.next_frame(kMaxRequest);
        if (!frame || outdated())
            co_return std::string{};
        seat.set(worker::Client::State::busy);
        const auto request = ipc::decode<SignRequest>(*frame);
        if (!request)
            co_return request.error();
        if (request->items.size() > ipc::records::kMaxSignItems)
            co_return "too many keys in one request";
        auto job = [&] {
            SignReply reply;
            for (const SignItem& item : request->items)
                reply.answers.push_back(sign(item, keys));
            return reply;
        };
        const SignReply reply = co_await pool.run(std::move(job));
        for (const SignAnswer& answer : reply.answers)
            if (!answer.reason.empty())
                logging::warning("{}", answer.reason);
        co_await channel.send(reply);
    }
}

}  // namespace

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, const KeyRing& keys, event::ThreadPool& pool,
    std::function<bool()> outdated) {
    ipc::Channel channel{std::move(stream)};
    try {
        const std::string wrong = co_await converse(channel, seat, keys, pool, outdated);
        if (!wrong.empty())
            logging::warning("client of private/signer: {}", wrong);
    } catch (const event::StreamError& error) {
        if (error.kind() != event::StreamError::Kind::eof && error.kind() != event::StreamError::Kind::cancelled)
            logging::warning("client of private/signer: {}", error.what());
    }
}

}  // namespace signer
