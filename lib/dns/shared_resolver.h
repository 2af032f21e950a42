// lib/dns/shared_resolver.h - the one resolver of a process, and what each of its clients has of it.
//
//     dns::Seat dns(services.dns(), asker);                // a member of the session
//     dns::Answer<std::string> answer = co_await dns.txt("example.test");
//
// All questions of a process go over one desk (lib/question/desk.h): what is known is told at once, whatever is under way;
// who asks the same joins in; each client has a fair share of the questions that may be under way, and waits for nobody but
// himself when he asks for more; a question ends when its askers have gone.
//
// Failure     our own limit is a temporary_failure that says so (RawAnswer::own_limit, Seat::limited()): it is no word about
//             the name, so no verdict may be built on it.
// Lifetime    the resolver outlives its seats; no question may be open when it goes. A seat may go before its questions when
//             their tasks have been cancelled: a cancelled wait throws, and touches neither seat nor asker again.
#pragma once

#include <memory>

#include "lib/dns/resolver.h"
#include "lib/question/desk.h"

namespace dns {

struct Params;

class SharedResolver {
  public:
    // `from` is asked what the desk does not know.
    SharedResolver(event::Loop& loop, std::unique_ptr<Resolver> from, question::DeskLimits limits);
    // The DNS as main.cf has it. Reads all files that it needs; the error names the parameter.
    static std::expected<std::unique_ptr<SharedResolver>, std::string> open(event::Loop& loop, const Params& params);

    question::Pending<RawAnswer> ask(const question::Asker& asker, std::string name, Type type);
    std::size_t open_questions() const { return desk_.open_questions(); }

  private:
    class Source final : public question::Source<RawAnswer> {
      public:
        explicit Source(std::unique_ptr<Resolver> from) : from_(std::move(from)) {}
        event::Task<RawAnswer> find(std::string key) override;
        RawAnswer later(question::Refusal why, const std::string& detail) const override;
        std::chrono::milliseconds lifetime(const RawAnswer& answer) const override;
        std::size_t octets(const RawAnswer& answer) const override;

      private:
        std::unique_ptr<Resolver> from_;
    };
    event::Task<RawAnswer> ask_on_record(const question::Asker& asker, std::string name, Type type);
    question::Pending<RawAnswer> ask_desk(const question::Asker& asker, const std::string& name, Type type);

    Source source_;
    question::Desk<RawAnswer> desk_;
};

// The resolver as one client has it.
class Seat final : public Resolver {
  public:
    Seat(SharedResolver& shared, const question::Asker& asker) : shared_(shared), asker_(asker) {}

    event::Task<RawAnswer> query(std::string name, Type type) override;
    // How many of its questions were turned away by our own limit.
    std::size_t limited() const { return limited_; }

  private:
    SharedResolver& shared_;
    const question::Asker& asker_;
    std::size_t limited_ = 0;
};

}  // namespace dns
