// lib/question/cancellation.h - takes back the questions of one asker, and of nobody else.
//
//     Cancellation gone;                 // outlives the askers that point to it
//     asker.cancellation = &gone;
//     ... gone.cancel();                 // each question of the asker is answered "try later" in the next turn
//
// Unlike the cancelling of a root (lib/event/task.h) nothing is thrown: whoever decides hears that there is no answer now.
#pragma once

#include <functional>
#include <list>
#include <utility>

namespace question {

class Cancellation {
  public:
    Cancellation() = default;
    Cancellation(const Cancellation&) = delete;

    void cancel() {
        cancelled_ = true;
        for (const std::function<void()>& wake : watches_)
            wake();
    }
    bool cancelled() const { return cancelled_; }

    // Calls `wake`, which may only schedule, when somebody cancels. For who waits on behalf of an asker.
    class Watch {
      public:
        Watch(Cancellation* cancellation, std::function<void()> wake) : cancellation_(cancellation) {
            if (cancellation_ != nullptr)
                place_ = cancellation_->watches_.insert(cancellation_->watches_.end(), std::move(wake));
        }
        ~Watch() {
            if (cancellation_ != nullptr)
                cancellation_->watches_.erase(place_);
        }
        Watch(const Watch&) = delete;

      private:
        Cancellation* cancellation_;
        std::list<std::function<void()>>::iterator place_;
    };

  private:
    bool cancelled_ = false;
    std::list<std::function<void()>> watches_;
};

}  // namespace question
