// lib/dmarc/discovery.h - which DMARC record is about a domain, and which domain is the one of its organisation.
//
// Two ways: by the public suffix list (RFC 7489), and by walking up the DNS (RFC 9989). The answers of the DNS are kept
// for as long as the object lives, which is one message.
//
// Standards   RFC 7489, 3.2 and 6.6.3; RFC 9989, 4.10
// Failure     `trouble` where the DNS could not answer: then nothing is known, not even that there is no record.
// Lifetime    resolver and list outlive it.
// Trust       domains come from messages; one walk asks at most eight questions, all of them together kMaxQuestions.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/dmarc/public_suffix.h"
#include "lib/dmarc/record.h"
#include "lib/dns/resolver.h"
#include "lib/event/task.h"

namespace dmarc {

enum class Method { public_suffix_list, tree_walk };

inline constexpr std::size_t kMaxQuestions = 60;
inline constexpr std::size_t kMaxWalk = 8;  // RFC 9989, 4.10: at most eight look-ups

struct Discovered {
    std::optional<Record> record;
    std::string domain;                 // where the record is
    std::string organizational_domain;  // of the domain asked about
    std::string trouble;                // why nothing is known
};

struct OrganizationalDomain {
    std::string domain;
    std::string trouble;
};

class Discovery {
  public:
    Discovery(dns::Resolver& resolver, const PublicSuffixes& suffixes, Method method)
        : resolver_(resolver), suffixes_(suffixes), method_(method) {}

    Method method() const { return method_; }
    // `domain` in A-labels and lower case.
    event::Task<Discovered> find_policy(std::string domain);
    event::Task<OrganizationalDomain> find_organizational_domain(std::string domain);
    // Whether the DNS knows addresses or mail exchangers of the name; no value where it does not answer (RFC 9091, 2.7).
    event::Task<std::optional<bool>> exists(std::string domain);

  private:
    struct Looked {
        std::optional<Record> record;
        std::string trouble;
    };
    struct Step {
        std::string domain;
        std::optional<Record> record;
    };
    struct Walk {
        std::vector<Step> steps;  // the domain itself first
        std::string trouble;
    };
    event::Task<Looked> look_up(std::string domain);
    event::Task<Walk> walk(std::string domain);
    static std::string choose_organizational_domain(const Walk& walk, const std::string& start);
    event::Task<Discovered> find_by_list(std::string domain);
    event::Task<Discovered> find_by_walk(std::string domain);

    dns::Resolver& resolver_;
    const PublicSuffixes& suffixes_;
    Method method_;
    std::size_t questions_ = 0;
    std::map<std::string, Looked> known_;
};

}  // namespace dmarc
