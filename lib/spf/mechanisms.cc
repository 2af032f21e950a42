// The mechanisms of RFC 7208, 5: whether the client matches one.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "lib/dns/name.h"
#include "lib/spf/evaluation.h"
#include "lib/text/text.h"

namespace spf {
namespace {

using Kind = Mechanism::Kind;

bool equal_bits(const dict::IpAddress& a, const dict::IpAddress& b, int bits) {
    auto whole = static_cast<std::size_t>(bits / 8);
    if (!std::equal(a.bytes.begin(), a.bytes.begin() + static_cast<std::ptrdiff_t>(whole), b.bytes.begin()))
        return false;
    int rest = bits % 8;
    return rest == 0 || (a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest) == 0;
}

// The same name, or one below it.
bool ends_in(std::string_view name, std::string_view domain) {
    if (name.size() < domain.size() || !text::equal_ignoring_case(name.substr(name.size() - domain.size()), domain))
        return false;
    return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

}  // namespace

bool Evaluation::in_network(const dict::IpAddress& address, const Mechanism& mechanism) const {
    if (address.family != query_.client.family)
        return false;
    return equal_bits(address, query_.client, address.family == AF_INET ? mechanism.ip4_prefix : mechanism.ip6_prefix);
}

event::Task<dns::Answer<dict::IpAddress>> Evaluation::addresses(std::string name) {
    ++questions_;
    if (query_.client.family == AF_INET)
        co_return co_await resolver_.ipv4(std::move(name));
    co_return co_await resolver_.ipv6(std::move(name));
}

event::Task<Evaluation::Match> Evaluation::match(const Mechanism& mechanism, std::string domain) {
    if (mechanism.kind == Kind::all)
        co_return Match::yes;
    if (mechanism.kind == Kind::ip4 || mechanism.kind == Kind::ip6)
        co_return in_network(mechanism.network, mechanism) ? Match::yes : Match::no;
    if (!in_time() || !count_lookup())
        co_return Match::ended;
    std::string target = domain;
    if (mechanism.domain)
        target = co_await target_of(*mechanism.domain, domain);
    if (failed_)
        co_return Match::ended;
    Match result = Match::no;
    switch (mechanism.kind) {
    case Kind::include: result = co_await match_include(target); break;
    case Kind::a: result = co_await match_address(mechanism, target); break;
    case Kind::mx: result = co_await match_mx(mechanism, target); break;
    case Kind::ptr: result = co_await match_ptr(target); break;
    default: result = co_await match_exists(target); break;
    }
    co_return failed_ ? Match::ended : result;
}

// 5.2
event::Task<Evaluation::Match> Evaluation::match_include(std::string target) {
    Outcome outcome = co_await check_host(target, false);
    if (failed_)
        co_return Match::ended;
    if (outcome.result == Result::none) {
        end(Result::permerror, fmt::format("include:{}: {}", text::printable(target), outcome.reason));
        co_return Match::ended;
    }
    co_return outcome.result == Result::pass ? Match::yes : Match::no;
}

// 5.3
event::Task<Evaluation::Match> Evaluation::match_address(const Mechanism& mechanism, std::string target) {
    dns::Answer<dict::IpAddress> answer = co_await addresses(target);
    if (!judge(answer.status, target, answer.reason))
        co_return Match::ended;
    for (const dict::IpAddress& address : answer.records)
        if (in_network(address, mechanism))
            co_return Match::yes;
    co_return Match::no;
}

// 5.4
event::Task<Evaluation::Match> Evaluation::match_mx(const Mechanism& mechanism, std::string target) {
    ++questions_;
    dns::Answer<dns::MailExchanger> hosts = co_await resolver_.mx(target);
    if (!judge(hosts.status, target + " MX", hosts.reason))
        co_return Match::ended;
    if (hosts.records.size() > static_cast<std::size_t>(limits_.names)) {
        end(Result::permerror, fmt::format("{} has more than {} mail exchangers", target, limits_.names));
        co_return Match::ended;
    }
    for (const dns::MailExchanger& host : hosts.records) {
        if (!in_time())
            co_return Match::ended;
        if (host.host.empty())
            continue;  // RFC 7505: no host at all
        Match matched = co_await match_address(mechanism, host.host);
        if (matched != Match::no)
            co_return matched;
    }
    co_return Match::no;
}

// 5.5
event::Task<void> Evaluation::learn_names() {
    if (!names_)
        co_await look_up_names();
    // Each term that leads nowhere counts, also where the answer is known already.
    voids_ += names_voids_;
    if (voids_ > limits_.void_lookups)
        end(Result::permerror, fmt::format("more than {} questions to the DNS led nowhere", limits_.void_lookups));
}

event::Task<void> Evaluation::look_up_names() {
    names_.emplace();
    ++questions_;
    dns::Answer<std::string> answer = co_await resolver_.ptr(query_.client);
    names_voids_ += answer.status == dns::Status::does_not_exist ? 1 : 0;
    if (answer.status != dns::Status::found)
        co_return;  // 5.5: trouble with the DNS is no match
    if (answer.records.size() > static_cast<std::size_t>(limits_.names))
        answer.records.resize(static_cast<std::size_t>(limits_.names));  // 4.6.4: the others are not looked at
    for (std::string& name : answer.records) {
        if (!in_time())
            co_return;
        dns::Answer<dict::IpAddress> own = co_await addresses(name);
        names_voids_ += own.status == dns::Status::does_not_exist ? 1 : 0;
        if (std::find(own.records.begin(), own.records.end(), query_.client) != own.records.end())
            names_->push_back(std::move(name));
    }
}

event::Task<Evaluation::Match> Evaluation::match_ptr(std::string target) {
    co_await learn_names();
    for (const std::string& name : *names_)
        if (ends_in(name, target))
            co_return Match::yes;
    co_return Match::no;
}

// 7.2, %{p}: the domain itself, else a name below it, else any, else "unknown".
event::Task<void> Evaluation::choose_client_name(std::string domain) {
    co_await learn_names();
    values_.client_name = "unknown";
    auto choose = [&](auto wanted) {
        auto found = std::find_if(names_->begin(), names_->end(), wanted);
        if (found == names_->end())
            return false;
        values_.client_name = *found;
        return true;
    };
    if (choose([&](const std::string& name) { return text::equal_ignoring_case(name, domain); }))
        co_return;
    if (choose([&](const std::string& name) { return ends_in(name, domain); }))
        co_return;
    choose([](const std::string&) { return true; });
}

// 5.7: an A record, also for clients with IPv6.
event::Task<Evaluation::Match> Evaluation::match_exists(std::string target) {
    ++questions_;
    dns::Answer<dict::IpAddress> answer = co_await resolver_.ipv4(target);
    if (!judge(answer.status, target, answer.reason))
        co_return Match::ended;
    co_return answer.status == dns::Status::found ? Match::yes : Match::no;
}

}  // namespace spf
