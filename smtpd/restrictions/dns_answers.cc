#include "smtpd/restrictions/dns_answers.h"

#include "lib/dns/name.h"
#include "lib/text/text.h"

namespace smtpd {

const dns::RawAnswer* DnsAnswers::find(std::string name, dns::Type type) {
    Key key(text::lower(name), type);
    if (auto known = known_.find(key); known != known_.end())
        return &known->second;
    if (!dns::can_be_asked(name)) {
        dns::RawAnswer answer;
        answer.status = dns::Status::does_not_exist;
        answer.reason = "the DNS cannot hold such a name";
        return &(known_[key] = answer);
    }
    if (known_.size() >= kMaxQuestions) {
        dns::RawAnswer answer;
        answer.reason = "too many questions of one restriction list";
        return &(known_[key] = answer);
    }
    open_ = std::move(key);
    return nullptr;
}

event::Task<void> DnsAnswers::ask(dns::Resolver& resolver) {
    if (!open_)
        co_return;
    Key key = *std::exchange(open_, std::nullopt);
    dns::RawAnswer answer = co_await resolver.query(key.first, key.second);
    known_[key] = std::move(answer);
}

}  // namespace smtpd
