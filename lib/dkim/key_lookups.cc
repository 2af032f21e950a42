#include "lib/dkim/key_lookups.h"

#include <algorithm>

namespace dkim {

KeyLookups::KeyLookups(event::Loop& loop, dns::Resolver& resolver, std::size_t limit)
    : loop_(loop), resolver_(resolver), limit_(limit), open_(std::make_shared<Open>(loop)) {}

KeyLookups::~KeyLookups() {
    for (const auto& question : questions_)
        if (question->context != nullptr)
            question->context->cancel();
}

event::Task<void> KeyLookups::run(dns::Resolver& resolver, std::shared_ptr<Question> question) {
    dns::Answer<std::string> answer = co_await resolver.txt(question->name);
    question->answer = std::move(answer);
}

std::optional<std::size_t> KeyLookups::ask(const std::string& name) {
    const auto same = std::find_if(questions_.begin(), questions_.end(), [&](const auto& q) { return q->name == name; });
    if (same != questions_.end())
        return static_cast<std::size_t>(same - questions_.begin());
    if (questions_.size() == limit_)
        return std::nullopt;
    auto question = std::make_shared<Question>();
    question->name = name;
    question->answer.reason = "no answer";
    questions_.push_back(question);
    ++open_->count;
    // The answer may be there before spawn() returns; then its context is gone as well.
    event::Context* context = nullptr;
    auto ended = std::make_shared<bool>(false);
    auto on_end = [question, open = open_, ended] {
        *ended = true;
        question->context = nullptr;
        --open->count;
        open->ended.notify_all();
    };
    loop_.spawn(run(resolver_, question), &context, on_end);
    if (!*ended)
        question->context = context;
    return questions_.size() - 1;
}

event::Task<void> KeyLookups::wait() {
    while (open_->count > 0)
        co_await open_->ended.wait();
}

const dns::Answer<std::string>& KeyLookups::answer(std::size_t index) const { return questions_[index]->answer; }

}  // namespace dkim
