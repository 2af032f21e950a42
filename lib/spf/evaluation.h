// lib/spf/evaluation.h - one run of check_host(): its counters, and what every function of it needs.
//
// The first thing that ends the evaluation (a broken record, a limit, trouble with the DNS) is kept in `failed_`; from
// then on every function returns at once.
#pragma once

#include <optional>
#include <vector>

#include "lib/event/loop.h"
#include "lib/spf/record.h"
#include "lib/spf/spf.h"

namespace spf {

class Evaluation {
  public:
    Evaluation(dns::Resolver& resolver, Query query, Limits limits, std::string local_part, std::string sender_domain);

    event::Task<Verdict> run(std::string domain);

  private:
    struct Outcome {
        Outcome(Result the_result, std::string the_domain) : result(the_result), domain(std::move(the_domain)) {}
        Result result;
        std::string domain;  // whose record said so, after redirects
        std::string mechanism, reason;
        std::optional<MacroString> explanation;
    };
    enum class Match { yes, no, ended };

    // check_host() of RFC 7208, 4, for one domain; includes and redirects call it again.
    event::Task<Outcome> check_host(std::string domain, bool top);
    event::Task<Outcome> evaluate(Record record, std::string domain);
    event::Task<std::optional<std::string>> find_record(std::string domain, bool top, Outcome& outcome);
    event::Task<Match> match(const Mechanism& mechanism, std::string domain);
    event::Task<Match> match_include(std::string target);
    event::Task<Match> match_address(const Mechanism& mechanism, std::string target);
    event::Task<Match> match_mx(const Mechanism& mechanism, std::string target);
    event::Task<Match> match_ptr(std::string target);
    event::Task<Match> match_exists(std::string target);
    event::Task<std::string> target_of(const MacroString& text, std::string domain);
    event::Task<std::string> explain(const MacroString& text, std::string domain);

    // The client's names that have its address among theirs, most wanted first.
    event::Task<void> learn_names();
    event::Task<void> look_up_names();
    event::Task<void> choose_client_name(std::string domain);
    event::Task<dns::Answer<dict::IpAddress>> addresses(std::string name);

    // Each says whether the evaluation may go on.
    bool count_lookup();
    bool judge(dns::Status status, std::string_view question, std::string_view reason);
    bool in_time();
    void end(Result result, std::string reason);
    bool in_network(const dict::IpAddress& address, const Mechanism& mechanism) const;

    dns::Resolver& resolver_;
    Query query_;
    Limits limits_;
    MacroValues values_;
    int lookups_ = 0, voids_ = 0, questions_ = 0;
    event::Clock::time_point began_ = event::Clock::now();
    std::optional<std::vector<std::string>> names_;  // confirmed names of the client, once they were asked for
    int names_voids_ = 0;                            // of the questions that they took
    bool explaining_ = false;                        // the result is certain: nothing counts any more
    std::optional<Outcome> failed_;
};

}  // namespace spf
