#include "lib/dns/shared_resolver.h"

#include <fmt/format.h>

#include "lib/dns/params.h"
#include "lib/dns/unbound_resolver.h"
#include "lib/text/text.h"

namespace dns {
namespace {

constexpr std::chrono::hours kLongest{24};      // an answer is kept, whatever its TTL says
constexpr std::size_t kWaitingPerClient = 200;  // in his line, beyond his share

std::string_view type_name(Type type) {
    switch (type) {
    case Type::a: return "A";
    case Type::cname: return "CNAME";
    case Type::ptr: return "PTR";
    case Type::mx: return "MX";
    case Type::txt: return "TXT";
    case Type::aaaa: return "AAAA";
    case Type::tlsa: return "TLSA";
    }
    return "";
}

// "16 example.test"
std::string make_key(const std::string& name, Type type) {
    return fmt::format("{} {}", static_cast<unsigned>(type), text::lower(name));
}

std::string describe(const RawAnswer& answer) {
    if (answer.status == Status::found)
        return fmt::format("{} record{}", answer.records.size(), answer.records.size() == 1 ? "" : "s");
    return answer.reason.empty() ? std::string(status_name(answer.status))
                                 : fmt::format("{}: {}", status_name(answer.status), answer.reason);
}

}  // namespace

event::Task<RawAnswer> SharedResolver::Source::find(std::string key) {
    std::size_t blank = key.find(' ');
    auto type = static_cast<Type>(text::parse_number(std::string_view(key).substr(0, blank)).value_or(0));
    std::string name = key.substr(blank + 1);
    co_return co_await from_->query(std::move(name), type);
}

RawAnswer SharedResolver::Source::later(question::Refusal why, const std::string& detail) const {
    RawAnswer answer;
    answer.own_limit = why == question::Refusal::limited;
    answer.reason = answer.own_limit ? detail + " (dns_question_limit)" : detail;
    return answer;
}

std::chrono::milliseconds SharedResolver::Source::lifetime(const RawAnswer& answer) const {
    if (answer.status != Status::found && answer.status != Status::does_not_exist)
        return {};
    return std::min<std::chrono::milliseconds>(std::chrono::seconds(answer.ttl), kLongest);
}

std::size_t SharedResolver::Source::octets(const RawAnswer& answer) const {
    std::size_t size = answer.canonical_name.size() + answer.reason.size();
    for (const std::string& record : answer.records)
        size += record.size() + sizeof record;
    return size;
}

SharedResolver::SharedResolver(event::Loop& loop, std::unique_ptr<Resolver> from, question::DeskLimits limits)
    : source_(std::move(from)), desk_(loop, source_, limits) {}

std::expected<std::unique_ptr<SharedResolver>, std::string> SharedResolver::open(event::Loop& loop, const Params& params) {
    auto unbound = UnboundResolver::make(loop, UnboundResolver::settings_of(params));
    if (!unbound)
        return std::unexpected(unbound.error());
    question::DeskLimits limits;
    limits.time = params.timeout();
    limits.slots.all = static_cast<std::size_t>(params.question_limit());
    limits.slots.each = static_cast<std::size_t>(params.client_question_limit());
    limits.slots.waiting = kWaitingPerClient;
    // libunbound has a cache of its own, of whole messages and what it learnt on the way.
    limits.cache_octets = static_cast<std::size_t>(params.cache_size()) / 4;
    return std::make_unique<SharedResolver>(loop, std::move(*unbound), limits);
}

question::Pending<RawAnswer> SharedResolver::ask(const question::Asker& asker, std::string name, Type type) {
    if (asker.record != nullptr)
        return ask_on_record(asker, std::move(name), type);
    return ask_desk(asker, name, type);
}

question::Pending<RawAnswer> SharedResolver::ask_desk(const question::Asker& asker, const std::string& name, Type type) {
    return desk_.ask(asker, make_key(name, type));
}

event::Task<RawAnswer> SharedResolver::ask_on_record(const question::Asker& asker, std::string name, Type type) {
    RawAnswer answer = co_await ask_desk(asker, name, type);
    asker.record->answered({"DNS", fmt::format("{} {}", name, type_name(type))}, describe(answer));
    co_return answer;
}

event::Task<RawAnswer> Seat::query(std::string name, Type type) {
    RawAnswer answer = co_await shared_.ask(asker_, name, type);
    limited_ += answer.own_limit;
    // Whoever asked first may have written the name in another way.
    if (answer.canonical_name.empty() || text::equal_ignoring_case(answer.canonical_name, name))
        answer.canonical_name = std::move(name);
    co_return answer;
}

}  // namespace dns
