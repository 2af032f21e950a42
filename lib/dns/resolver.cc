#include "lib/dns/resolver.h"

#include "lib/dns/message.h"
#include "lib/dns/name.h"

namespace dns {
namespace {

template <class Record>
using Parser = std::optional<Record> (*)(std::string_view rdata);

// A record that breaks its form says nothing, but that something is wrong: the whole answer is then not to be relied on.
template <class Record>
Answer<Record> typed(RawAnswer raw, Parser<Record> parse) {
    Answer<Record> answer;
    answer.status = raw.status;
    answer.name_exists = raw.name_exists;
    answer.secure = raw.secure;
    answer.ttl = raw.ttl;
    answer.canonical_name = std::move(raw.canonical_name);
    answer.reason = std::move(raw.reason);
    for (const std::string& rdata : raw.records) {
        std::optional<Record> record = parse(rdata);
        if (!record) {
            answer.status = Status::temporary_failure;
            answer.reason = "a record of the answer is malformed";
            answer.records.clear();
            break;
        }
        answer.records.push_back(std::move(*record));
    }
    return answer;
}

RawAnswer impossible_name(std::string name) {
    RawAnswer answer;
    answer.status = Status::does_not_exist;
    answer.canonical_name = std::move(name);
    answer.reason = "the DNS cannot hold such a name";
    return answer;
}

event::Task<RawAnswer> ask(Resolver& resolver, std::string name, Type type) {
    if (name.ends_with('.'))
        name.pop_back();
    if (!can_be_asked(name))
        co_return impossible_name(std::move(name));
    co_return co_await resolver.query(std::move(name), type);
}

template <std::size_t kSize>
std::optional<dict::IpAddress> parse_sized(std::string_view rdata) {
    return rdata.size() == kSize ? parse_address(rdata) : std::nullopt;
}

}  // namespace

std::string_view status_name(Status status) {
    switch (status) {
    case Status::found: return "found";
    case Status::does_not_exist: return "does not exist";
    case Status::temporary_failure: return "temporary failure";
    case Status::bogus: return "bogus";
    }
    return "";
}

event::Task<Answer<dict::IpAddress>> Resolver::ipv4(std::string name) {
    RawAnswer raw = co_await ask(*this, std::move(name), Type::a);
    co_return typed<dict::IpAddress>(std::move(raw), parse_sized<4>);
}

event::Task<Answer<dict::IpAddress>> Resolver::ipv6(std::string name) {
    RawAnswer raw = co_await ask(*this, std::move(name), Type::aaaa);
    co_return typed<dict::IpAddress>(std::move(raw), parse_sized<16>);
}

event::Task<Answer<MailExchanger>> Resolver::mx(std::string name) {
    RawAnswer raw = co_await ask(*this, std::move(name), Type::mx);
    co_return typed<MailExchanger>(std::move(raw), parse_mx);
}

event::Task<Answer<std::string>> Resolver::txt(std::string name) {
    RawAnswer raw = co_await ask(*this, std::move(name), Type::txt);
    co_return typed<std::string>(std::move(raw), parse_txt);
}

event::Task<Answer<std::string>> Resolver::ptr(dict::IpAddress address) {
    std::string name = reverse_name(address);
    RawAnswer raw = co_await ask(*this, std::move(name), Type::ptr);
    co_return typed<std::string>(std::move(raw), parse_name_record);
}

event::Task<Answer<TlsaRecord>> Resolver::tlsa(std::string name) {
    RawAnswer raw = co_await ask(*this, std::move(name), Type::tlsa);
    co_return typed<TlsaRecord>(std::move(raw), parse_tlsa);
}

}  // namespace dns
