#include "cleanup/signing.h"

#include <chrono>

#include "lib/event/error.h"
#include "lib/log/log.h"
#include "lib/message/address_list.h"
#include "lib/time/clock.h"

namespace cleanup {
namespace {

using namespace std::chrono_literals;
using ipc::records::SignReply;
using ipc::records::SignRequest;

constexpr std::size_t kMostIdle = 4;
constexpr std::size_t kMaxReply = 64 << 10;

ipc::ServiceSettings signer_settings(const dkim::SignParams& params, std::string socket) {
    ipc::ServiceSettings settings(std::move(socket), params.signer_timeout());
    settings.answer = params.signer_timeout();
    settings.repeatable = true;  // a signer that leaves for fresh keys may have read the request already
    return settings;
}

event::Task<std::expected<SignReply, std::string>> sign_once(ipc::ServicePool<>::Lease& lease, const SignRequest& request) {
    co_await lease.channel.send(request);
    std::expected<SignReply, std::string> reply = co_await lease.channel.receive<SignReply>(kMaxReply);
    co_return reply;
}

dkim::SignOptions sign_options(const dkim::SignParams& params) {
    dkim::SignOptions options;
    options.now = wall_clock::now_seconds();
    options.lifetime = params.signature_lifetime().count();
    return options;
}

}  // namespace

SigningHouse::SigningHouse(event::Loop& loop, const dkim::SignParams& params, std::string socket)
    : params_{params}, signers_{loop, signer_settings(params, std::move(socket)), kMostIdle} {
    renew();
    seal_key_ = dkim::parse_seal_key(params_.seal_key());
    if (!seal_key_)
        seal_key_ = std::unexpected("arc_seal_key: " + seal_key_.error());
    if (seals() && !seal_key_)
        logging::warning("{}", seal_key_.error());
}

void SigningHouse::renew() {
    tables_ = std::make_shared<const dict::TableList>(dict::TableList::open("dkim_sign_table", params_.sign_table()));
    looked_ = event::Clock::now();
    for (const auto& lines : {tables_->problems(), tables_->warnings()})
        for (const std::string& line : lines)
            logging::warning("{}", line);
}

namespace {

// What an entry of dkim_sign_table says.
SigningHouse::Planned read_entry(const dkim::SignTableQuestion& question, const std::string& value) {
    auto entry = dkim::parse_sign_table_entry(value);
    if (!entry)
        return std::unexpected("dkim_sign_table: " + question.key + ": " + entry.error());
    if (entry->keys.empty())
        return std::nullopt;
    if (entry->keys.size() > ipc::records::kMaxSignItems)
        return std::unexpected(
            "dkim_sign_table: " + question.key + ": more than " + std::to_string(ipc::records::kMaxSignItems) + " keys");
    const std::string name = entry->domain.empty() ? question.domain : entry->domain;
    return SigningHouse::Plan{std::move(*entry), name};
}

}  // namespace

event::Task<SigningHouse::Planned> SigningHouse::find_plan(
    const question::Asker& asker, std::string local, std::string domain) {
    if (event::Clock::now() - looked_ > 1s) {
        looked_ = event::Clock::now();
        if (tables_->stale())
            renew();
    }
    const std::shared_ptr<const dict::TableList> tables = tables_;
    const std::vector<dkim::SignTableQuestion> questions = dkim::sign_table_questions(local, domain);
    for (const dkim::SignTableQuestion& question : questions) {
        const dict::KeyKind kind = question.whole ? dict::KeyKind::whole : dict::KeyKind::part;
        const dict::Answer found = co_await tables->lookup(asker, question.key, kind);
        if (!found)
            co_return std::unexpected(found.error().text);
        if (!*found)
            continue;
        Planned planned = read_entry(question, **found);
        if (asker.record != nullptr)
            asker.record->decided(!planned ? planned.error() : *planned ? "signed for " + (*planned)->domain : "not signed");
        co_return planned;
    }
    co_return std::nullopt;
}

event::Task<std::expected<SignReply, std::string>> SigningHouse::ask(SignRequest request) {
    ipc::ServicePool<>::Talk<SignReply> talk = [&request](
                                                   ipc::ServicePool<>::Lease& lease) { return sign_once(lease, request); };
    std::expected<SignReply, std::string> reply = co_await signers_.converse<SignReply>(talk);
    if (reply && reply->answers.size() != request.items.size())
        reply = std::unexpected(signers_.socket() + ": not one answer for each key");
    co_return reply;
}

Signing::Signing(SigningHouse& house) : house_{house}, signer_{sign_options(house.params())} {}

// The first address of the first From decides; a message with several authors is signed for that one.
event::Task<SigningHouse::Planned> Signing::find_plan(const question::Asker& asker) const {
    const dkim::HeaderFields fields{signer_.header()};
    for (std::size_t place : fields.named("from")) {
        for (const message::Address& one : message::parse_address_list(fields.all()[place].body)) {
            const auto domain = dkim::to_a_labels(one.host);
            if (!domain || !one.is_addr_spec)
                continue;
            co_return co_await house_.find_plan(asker, one.mailbox, *domain);
        }
    }
    co_return std::nullopt;
}

// For each key as if it were RSA, and as if it were Ed25519: the signer knows which.
std::vector<dkim::SigningKey> Signing::both_kinds(const SigningHouse::Plan& plan) {
    std::vector<dkim::SigningKey> keys;
    for (const dkim::SignTableKey& key : plan.entry.keys)
        for (const dkim::KeyType type : {dkim::KeyType::rsa, dkim::KeyType::ed25519})
            keys.push_back({plan.domain, key.selector, type, ""});
    return keys;
}

event::Task<Signing::Outcome> Signing::finish(const question::Asker& asker, std::string queue_id) {
    Outcome outcome;
    signer_.end();
    const SigningHouse::Planned plan = co_await find_plan(asker);
    if (!plan)
        outcome.trouble = plan.error();
    if (!plan || !*plan)
        co_return outcome;
    const SigningHouse::Plan& how = **plan;
    const auto fields = signer_.make_fields(both_kinds(how));
    if (!fields) {
        outcome.trouble = fields.error();
        co_return outcome;
    }
    SignRequest request;
    for (std::size_t i = 0; i < how.entry.keys.size(); ++i)
        request.items.push_back({how.entry.keys[i].file, (*fields)[2 * i].hash, (*fields)[2 * i + 1].hash});
    const std::expected<SignReply, std::string> reply = co_await house_.ask(std::move(request));
    std::string failure = reply ? "" : reply.error();
    std::string log;
    for (std::size_t i = 0; failure.empty() && i < how.entry.keys.size(); ++i) {
        const ipc::records::SignAnswer& answer = reply->answers[i];
        const bool rsa = answer.algorithm == "rsa-sha256";
        if (answer.signature.empty() || (!rsa && answer.algorithm != "ed25519-sha256")) {
            failure = answer.reason.empty() ? "the signer gave no signature" : answer.reason;
            break;
        }
        outcome.fields += dkim::complete((*fields)[2 * i + (rsa ? 0 : 1)], answer.signature);
        log += (log.empty() ? "" : ", ") + ("s=" + how.entry.keys[i].selector) + ", d=" + how.domain;
    }
    if (failure.empty()) {
        logging::info("{}: DKIM-Signature field added ({})", queue_id, log);
        co_return outcome;
    }
    outcome.fields.clear();
    if (how.entry.unsigned_on_failure)
        logging::warning("{}: not signed, as dkim_sign_table wants it: {}", queue_id, failure);
    else
        outcome.trouble = failure;
    co_return outcome;
}

}  // namespace cleanup
