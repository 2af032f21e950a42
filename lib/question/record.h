// lib/question/record.h - what led to a decision: every question, its answer, the file and line it came from, and what the
// code that decides made of it.
//
//     Record record;
//     asker.record = &record;
//     Verdict verdict = co_await restrictions.evaluate(...);
//     fmt::print("{}", record.text());
//
//     transport_maps: texthash:/etc/malleposte/transport: "example.test" -> "slow:" (/etc/malleposte/transport, line 3)
//     = <bob@example.test> goes to slow, example.test
//
// Written where the decision is made, while it is made, so it cannot say anything else than what was done. Who keeps no
// record pays a comparison with nullptr.
#pragma once

#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace question {

// Where an entry stands. Line 0: the file has no lines.
struct Place {
    std::string file;
    int line = 0;

    bool empty() const { return file.empty(); }
    std::string text() const;  // "/etc/aliases, line 3"
};

// Something that is asked, and of whom.
struct Question {
    std::string source;  // "hash:/etc/aliases", "DNS"
    std::string key;
};

class Record {
  public:
    struct Step {
        bool is_decision = false;
        Question question;
        std::string answer;  // of a decision: what was decided
        Place place;
        std::source_location code;  // who asked, or decided
    };

    void answered(Question question, std::string answer, Place place = {},
        std::source_location code = std::source_location::current());
    void decided(std::string what, Place place = {}, std::source_location code = std::source_location::current());

    const std::vector<Step>& steps() const { return steps_; }
    // A line for each step; `with_code` adds the place in our sources.
    std::string text(bool with_code = false) const;
    void clear() { steps_.clear(); }

  private:
    std::vector<Step> steps_;
};

}  // namespace question
