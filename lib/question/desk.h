// lib/question/desk.h - where all questions to one source go: cache, joining, shares, time limits.
//
//     question::Desk<RawAnswer> desk(loop, source, limits);
//     RawAnswer answer = co_await desk.ask(asker, "mx example.test");
//
// In this order: an answer that is still good is given at once, before any limit is looked at; who asks what is being
// asked already waits for the same answer; a new question takes a slot, of which every client has a fair share
// (fair_slots.h). Each asker waits as long as he wants, at most DeskLimits::time, the waiting for a slot included. A
// question that nobody waits for any more is taken back from the source.
//
// Failure     Source::later(), never an exception but that of a cancelled root.
// Lifetime    the source outlives the desk, the desk outlives the questions: let the loop run until they have ended.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lib/event/error.h"
#include "lib/event/loop.h"
#include "lib/event/signal.h"
#include "lib/question/answer_cache.h"
#include "lib/question/asker.h"
#include "lib/question/fair_slots.h"
#include "lib/question/pending.h"
#include "lib/question/source.h"

namespace question {

struct DeskLimits {
    std::chrono::milliseconds time{5000};
    FairSlots::Limits slots;
    std::size_t cache_octets = 1 << 20;
};

template <class Answer>
class Desk {
  public:
    Desk(event::Loop& loop, Source<Answer>& source, DeskLimits limits)
        : loop_(loop), source_(source), limits_(limits), slots_(loop, limits.slots), cache_(limits.cache_octets) {}
    Desk(const Desk&) = delete;

    Pending<Answer> ask(const Asker& asker, std::string key) {
        if (asker.is_cancelled())
            return source_.later(Refusal::cancelled, "the question was taken back");
        if (!asker.fresh)
            if (const Answer* known = cache_.find(key))
                return *known;
        return wait_for_answer(asker, std::move(key));
    }

    std::size_t open_questions() const { return open_.size(); }
    std::size_t cached() const { return cache_.size(); }

  private:
    struct Open {
        Open(event::Loop& loop, std::string the_key, Client the_client)
            : key(std::move(the_key)), client(the_client), answered(loop) {}
        std::string key;
        Client client;
        event::Notice answered;
        std::optional<Answer> answer;
        bool with_source = false;
        std::size_t askers = 0;
        event::Context* context = nullptr;  // of the task that asks; null once it has ended
    };

    // An asker's stay with an open question; the last one who leaves takes the question back.
    class Stay {
      public:
        Stay(Desk& desk, std::shared_ptr<Open> open) : desk_(desk), open_(std::move(open)) { ++open_->askers; }
        ~Stay() {
            if (--open_->askers == 0 && !open_->answer)
                desk_.take_back(*open_);
        }
        Stay(const Stay&) = delete;

      private:
        Desk& desk_;
        std::shared_ptr<Open> open_;
    };

    std::shared_ptr<Open> find_or_begin(const Asker& asker, std::string key) {
        std::shared_ptr<Open>& place = open_[key];
        if (place)
            return place;
        auto open = std::make_shared<Open>(loop_, std::move(key), asker.client);
        place = open;
        loop_.spawn(find(open), &open->context, [open] { open->context = nullptr; });
        return open;
    }

    void take_back(Open& open) {
        forget(open);
        if (open.context != nullptr)
            open.context->cancel();
    }

    void forget(const Open& open) {
        auto found = open_.find(open.key);
        if (found != open_.end() && found->second.get() == &open)
            open_.erase(found);
    }

    event::Task<Answer> wait_for_answer(const Asker& asker, std::string key) {
        const std::chrono::milliseconds limit = asker.limit.count() > 0 ? std::min(asker.limit, limits_.time) : limits_.time;
        const event::Clock::time_point deadline = event::Clock::now() + limit;
        std::shared_ptr<Open> open = find_or_begin(asker, std::move(key));
        Stay stay(*this, open);
        Cancellation::Watch watch(asker.cancellation, [open] { open->answered.notify_all(); });
        while (!open->answer) {
            if (asker.is_cancelled())
                co_return source_.later(Refusal::cancelled, "the question was taken back");
            const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - event::Clock::now());
            if (rest.count() <= 0)
                co_return give_up(*open, limit);
            co_await open->answered.wait_for(rest);
        }
        Answer answer = *open->answer;
        co_return answer;
    }

    Answer give_up(const Open& open, std::chrono::milliseconds limit) const {
        if (open.with_source)
            return source_.later(Refusal::too_late, fmt::format("no answer within {} ms", limit.count()));
        return source_.later(Refusal::limited, "too many questions are under way");
    }

    // The task of an open question.
    event::Task<void> find(std::shared_ptr<Open> open) {
        std::optional<Answer> answer;
        std::optional<FairSlots::Slot> slot = co_await slots_.take(open->client);
        if (!slot) {
            answer.emplace(source_.later(Refusal::limited, "too many questions are under way"));
        } else {
            open->with_source = true;
            std::string trouble;
            try {
                answer = co_await source_.find(open->key);
            } catch (const event::StreamError& error) {
                if (error.kind() == event::StreamError::Kind::cancelled)
                    throw;
                trouble = error.what();
            } catch (const std::exception& error) {
                trouble = error.what();
            }
            if (answer)
                cache_.put(open->key, *answer, source_.lifetime(*answer), source_.octets(*answer));
            else
                answer.emplace(source_.later(Refusal::broken, trouble));
        }
        open->answer = std::move(answer);
        forget(*open);
        open->answered.notify_all();
    }

    event::Loop& loop_;
    Source<Answer>& source_;
    DeskLimits limits_;
    FairSlots slots_;
    AnswerCache<Answer> cache_;
    std::map<std::string, std::shared_ptr<Open>> open_;
};

}  // namespace question
