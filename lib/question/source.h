// lib/question/source.h - something outside of this process that answers after a while: the DNS, a database, a service.
//
//     class Ldap final : public question::Source<dict::Answer> {
//         event::Task<dict::Answer> find(std::string key) override;
//         dict::Answer later(question::Refusal why) const override;
//     };
//
// The loop that calls it is Desk (desk.h): one find() for each question that is open, however many ask it; cancelled
// (lib/event/task.h) when nobody waits for it any more.
//
// Failure     what find() throws counts as "try later"; a source never says "no" for what it could not find out.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "lib/event/task.h"

namespace question {

// Why there is no answer now. None of these says anything about what was asked.
enum class Refusal {
    too_late,   // the source did not answer in time
    limited,    // our own limit: too many questions are under way
    cancelled,  // the asker has taken it back
    broken,     // the source failed
};

template <class Answer>
class Source {
  public:
    virtual ~Source() = default;
    virtual event::Task<Answer> find(std::string key) = 0;
    // "Try later", in the source's own form; `detail` is for people.
    virtual Answer later(Refusal why, const std::string& detail) const = 0;
    // How long the answer may be told to others who ask the same, and about how many octets that takes.
    virtual std::chrono::milliseconds lifetime(const Answer&) const { return {}; }
    virtual std::size_t octets(const Answer&) const { return sizeof(Answer); }
};

}  // namespace question
