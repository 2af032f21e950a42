// check_host() of RFC 7208, 4: the record, its terms in order, redirect, explanation.
#include "lib/spf/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/dns/name.h"
#include "lib/text/text.h"

namespace spf {

namespace {

Result result_of(char qualifier) {
    switch (qualifier) {
    case '-': return Result::fail;
    case '~': return Result::softfail;
    case '?': return Result::neutral;
    default: return Result::pass;
    }
}

// RFC 7208, 4.3: labels of 1 to 63 octets, more than one of them; a last dot is allowed. A literal is no name.
bool is_checkable(std::string_view domain) {
    if (domain.ends_with('.'))
        domain.remove_suffix(1);
    return domain.find('.') != std::string_view::npos && !domain.starts_with('[') && dns::can_be_asked(domain);
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Evaluation::Evaluation(
    dns::Resolver& resolver, Query query, Limits limits, std::string local_part, std::string sender_domain)
    : resolver_(resolver), query_(std::move(query)), limits_(limits) {
    values_.local_part = std::move(local_part);
    values_.sender_domain = std::move(sender_domain);
    values_.client = query_.client;
    values_.helo = query_.helo;
    values_.receiver = query_.receiver;
    values_.now = query_.now;
}

void Evaluation::end(Result result, std::string reason) {
    if (failed_)
        return;
    failed_.emplace(result, values_.domain);
    failed_->reason = std::move(reason);
}

bool Evaluation::in_time() {
    if (!failed_ && event::Clock::now() - began_ >= limits_.time)
        end(Result::temperror, fmt::format("it took longer than {} ms", limits_.time.count()));
    return !failed_;
}

bool Evaluation::count_lookup() {
    if (!failed_ && ++lookups_ > limits_.lookups)
        end(Result::permerror, fmt::format("more than {} terms ask the DNS", limits_.lookups));
    return !failed_;
}

// What an answer means where a term asked: RFC 7208, 5 and 4.6.4.
bool Evaluation::judge(dns::Status status, std::string_view question, std::string_view reason) {
    if (status == dns::Status::temporary_failure || status == dns::Status::bogus)
        end(Result::temperror, text::printable(fmt::format("{}: {}", question, reason)));
    else if (status == dns::Status::does_not_exist && ++voids_ > limits_.void_lookups)
        end(Result::permerror, fmt::format("more than {} questions to the DNS led nowhere", limits_.void_lookups));
    return !failed_;
}

event::Task<Verdict> Evaluation::run(std::string domain) {
    Outcome outcome = co_await check_host(domain, true);
    if (failed_)
        outcome = *failed_;
    Verdict verdict;
    verdict.result = outcome.result;
    verdict.domain = domain;
    verdict.mechanism = outcome.mechanism;
    verdict.reason = outcome.reason;
    if (outcome.result == Result::fail && outcome.explanation)
        verdict.explanation = co_await explain(*outcome.explanation, outcome.domain);
    verdict.questions = questions_;
    co_return verdict;
}

event::Task<std::optional<std::string>> Evaluation::find_record(std::string domain, bool top, Outcome& outcome) {
    std::optional<std::string> chosen;
    if (!is_checkable(domain)) {
        outcome.reason = fmt::format("\"{}\" is no domain of more than one label", text::printable(domain));
        co_return chosen;
    }
    if (!in_time())
        co_return chosen;
    ++questions_;
    dns::Answer<std::string> answer = co_await resolver_.txt(domain);
    // The first question is about no term, so it is no void lookup (4.6.4).
    bool absent = answer.status == dns::Status::does_not_exist;
    if (absent && top) {
        outcome.reason = fmt::format("{}: {}", domain, answer.reason);
        co_return chosen;
    }
    if (!judge(answer.status, domain + " TXT", answer.reason))
        co_return chosen;
    int found = 0;
    for (std::string& text : answer.records) {
        if (!is_spf_record(text))
            continue;
        ++found;
        chosen = std::move(text);
    }
    if (found > 1) {
        end(Result::permerror, fmt::format("{} publishes {} SPF records", domain, found));
        chosen.reset();
    } else if (found == 0) {
        outcome.reason = fmt::format("{} publishes no SPF record", domain);
    }
    co_return chosen;
}

event::Task<Evaluation::Outcome> Evaluation::check_host(std::string domain, bool top) {
    Outcome outcome(Result::none, domain);
    std::optional<std::string> text = co_await find_record(domain, top, outcome);
    if (failed_ || !text)
        co_return outcome;
    auto record = parse_record(*text);
    if (!record) {
        values_.domain = domain;
        end(Result::permerror, fmt::format("{}: {}", domain, record.error()));
        co_return outcome;
    }
    co_return co_await evaluate(std::move(*record), domain);
}

event::Task<Evaluation::Outcome> Evaluation::evaluate(Record record, std::string domain) {
    Outcome outcome(Result::neutral, domain);  // 4.7: the default result
    outcome.mechanism = "default";
    bool has_all = false;
    for (const Mechanism& mechanism : record.mechanisms) {
        has_all = has_all || mechanism.kind == Mechanism::Kind::all;
        values_.domain = domain;  // an include had its own
        Match matched = co_await match(mechanism, domain);
        if (matched == Match::ended)
            co_return outcome;
        if (matched == Match::no)
            continue;
        outcome.result = result_of(mechanism.qualifier);
        outcome.mechanism = mechanism.text;
        outcome.explanation = std::move(record.explanation);
        co_return outcome;
    }
    if (!record.redirect || has_all)
        co_return outcome;
    values_.domain = domain;
    if (!count_lookup())
        co_return outcome;
    std::string target = co_await target_of(*record.redirect, domain);
    if (failed_)
        co_return outcome;
    outcome = co_await check_host(target, false);
    if (!failed_ && outcome.result == Result::none)  // 6.1
        end(Result::permerror, fmt::format("redirect={}: {}", text::printable(target), outcome.reason));
    co_return outcome;
}

event::Task<std::string> Evaluation::target_of(const MacroString& text, std::string domain) {
    values_.domain = domain;
    // 4.6.4: the question for %{p} is one of the ten, unless a term has asked it already.
    if (text.uses_client_name() && !names_ && !explaining_ && !count_lookup())
        co_return std::string();
    if (text.uses_client_name())
        co_await choose_client_name(domain);
    std::string target = text.expand_domain(values_);
    co_return target;
}

// 6.2: whatever goes wrong here means that there is no explanation. These questions count for no limit but time.
event::Task<std::string> Evaluation::explain(const MacroString& text, std::string domain) {
    std::string nothing;
    failed_.reset();
    explaining_ = true;
    std::string target = co_await target_of(text, domain);
    if (failed_ || !in_time())
        co_return nothing;
    ++questions_;
    dns::Answer<std::string> answer = co_await resolver_.txt(target);
    if (answer.status != dns::Status::found || answer.records.size() != 1 || !is_ascii(answer.records[0]))
        co_return nothing;
    auto explanation = MacroString::parse(answer.records[0], MacroString::Kind::explanation);
    if (!explanation)
        co_return nothing;
    if (explanation->uses_client_name())
        co_await choose_client_name(domain);
    std::string said = explanation->expand(values_);
    co_return said;
}

}  // namespace spf
