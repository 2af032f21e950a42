// smtpd/restrictions/dns_answers.h - how restrictions, which decide at once, get answers of the DNS, which take their time.
//
// A check looks its answer up here. What is not there yet it notes as a question and says Verdict::Kind::pending, which ends
// the list; the session asks the DNS and goes through the list again from its beginning:
//
//     while ((verdict = restrictions.evaluate(...)).kind == Verdict::Kind::pending)
//         co_await answers.ask(resolver);
//
// So a list asks no more than its order demands, and nothing blocks.
//
// Failure     at most kMaxQuestions for one list; what is beyond counts as a temporary failure.
// Trust       names are what strangers said, answers what strangers published.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "lib/dns/resolver.h"

namespace smtpd {

class DnsAnswers {
  public:
    static constexpr std::size_t kMaxQuestions = 100;

    // nullptr: it was not asked yet, and is what ask() will ask.
    const dns::RawAnswer* find(std::string name, dns::Type type);
    event::Task<void> ask(dns::Resolver& resolver);

  private:
    using Key = std::pair<std::string, dns::Type>;
    std::map<Key, dns::RawAnswer> known_;
    std::optional<Key> open_;
};

}  // namespace smtpd
