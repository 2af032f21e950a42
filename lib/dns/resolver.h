// lib/dns/resolver.h - questions to the DNS, asked without blocking, answered with a type.
//
//     dns::Answer<std::string> answer = co_await resolver.txt("example.test");
//     if (answer.status == dns::Status::found) ...
//
// An answer is one of four: found, does_not_exist (no such name, or no such record at it: `name_exists` says which),
// temporary_failure (slow, refused, malformed, down) and bogus (DNSSEC says that it was tampered with). A caller who
// treats the last two as "does not exist" decides about mail by what an attacker left out; so there is no shorthand
// that mixes them.
//
// Who serves clients asks through a Seat (shared_resolver.h), which is such a resolver too.
//
// Standards   RFC 1035, 2181, 4035, 5321 (5.1), 6698
// Lifetime    a resolver outlives the questions asked of it. Answers own their records.
// Trust       everything in an answer is what a stranger published: lengths are bounded by the DNS (64 KiB), octets are not
//             text until somebody looked at them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dict/network.h"
#include "lib/event/task.h"

namespace dns {

enum class Status { found, does_not_exist, temporary_failure, bogus };
std::string_view status_name(Status status);  // "does not exist"

enum class Type : std::uint16_t { a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28, tlsa = 52 };

template <class Record>
struct Answer {
    Status status = Status::temporary_failure;
    bool name_exists = false;     // with does_not_exist: the name is there, a record of this type is not
    bool secure = false;          // DNSSEC vouches for this answer, the absence of records included
    std::uint32_t ttl = 0;        // seconds
    std::string canonical_name;   // where CNAMEs led, without the last dot; the question's name if there were none
    std::vector<Record> records;  // empty unless found
    std::string reason;           // for people, when there is no answer: "SERVFAIL", "timed out", "signature expired"
};

struct MailExchanger {
    std::uint16_t preference = 0;
    std::string host;  // without the last dot; empty for the null MX of RFC 7505
};

struct TlsaRecord {
    std::uint8_t usage = 0;
    std::uint8_t selector = 0;
    std::uint8_t matching_type = 0;
    std::string association;  // octets
};

// One record as it stands in a message of the DNS, for who implements a resolver.
struct RawAnswer {
    Status status = Status::temporary_failure;
    bool own_limit = false;  // with temporary_failure: it was we who did not ask
    bool name_exists = false;
    bool secure = false;
    std::uint32_t ttl = 0;
    std::string canonical_name;
    std::vector<std::string> records;  // RDATA, names in it uncompressed
    std::string reason;
};

class Resolver {
  public:
    virtual ~Resolver() = default;

    event::Task<Answer<dict::IpAddress>> ipv4(std::string name);
    event::Task<Answer<dict::IpAddress>> ipv6(std::string name);
    event::Task<Answer<MailExchanger>> mx(std::string name);
    // The strings of a record joined without anything between them, as SPF and DKIM want it.
    event::Task<Answer<std::string>> txt(std::string name);
    // The names that an address has, as its owner says: not yet checked against the names' own addresses.
    event::Task<Answer<std::string>> ptr(dict::IpAddress address);
    event::Task<Answer<TlsaRecord>> tlsa(std::string name);

    // What implementations answer. The name has no last dot; a name that the DNS cannot hold (empty label, a label of
    // over 63 octets, over 253 in all) is answered with does_not_exist before this is asked.
    virtual event::Task<RawAnswer> query(std::string name, Type type) = 0;
};

}  // namespace dns
