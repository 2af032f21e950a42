#include "lib/dmarc/discovery.h"

#include <algorithm>

namespace dmarc {
namespace {

std::size_t count_labels(const std::string& domain) {
    return static_cast<std::size_t>(std::count(domain.begin(), domain.end(), '.')) + 1;
}

std::string parent_of(const std::string& domain) { return domain.substr(domain.find('.') + 1); }

bool says(const std::optional<Record>& record, bool public_suffix) {
    return record && record->is_public_suffix && *record->is_public_suffix == public_suffix;
}

}  // namespace

event::Task<Discovery::Looked> Discovery::look_up(std::string domain) {
    if (const auto found = known_.find(domain); found != known_.end())
        co_return found->second;
    Looked looked;
    if (++questions_ > kMaxQuestions) {
        looked.trouble = "too many questions to the DNS";
        co_return looked;
    }
    const dns::Answer<std::string> answer = co_await resolver_.txt("_dmarc." + domain);
    if (answer.status == dns::Status::temporary_failure || answer.status == dns::Status::bogus)
        looked.trouble = "_dmarc." + domain + ": " + answer.reason;
    // RFC 7489, 6.6.3, steps 2 and 5: other TXT records do not count, and of several DMARC records none does.
    const std::string* text = nullptr;
    std::size_t count = 0;
    for (const std::string& record : answer.records) {
        if (is_record(record)) {
            text = &record;
            ++count;
        }
    }
    if (count == 1)
        looked.record = parse_record(*text);
    known_.emplace(domain, looked);
    co_return looked;
}

event::Task<Discovery::Walk> Discovery::walk(std::string domain) {
    Walk found;
    std::string here = domain;
    for (std::size_t step = 0; step < kMaxWalk; ++step) {
        const Looked looked = co_await look_up(here);
        if (!looked.trouble.empty()) {
            found.trouble = looked.trouble;
            co_return found;
        }
        found.steps.push_back({here, looked.record});
        if (looked.record && looked.record->is_public_suffix)
            break;  // psd=y or psd=n ends the walk
        const std::size_t labels = count_labels(here);
        if (labels == 1)
            break;
        // A name of eight labels or more is cut to seven after its first look-up.
        std::size_t cut = labels > kMaxWalk - 1 ? labels - (kMaxWalk - 1) : 1;
        for (; cut > 0; --cut)
            here = parent_of(here);
    }
    co_return found;
}

std::string Discovery::choose_organizational_domain(const Walk& walk, const std::string& start) {
    for (const Step& step : walk.steps)
        if (says(step.record, false))
            return step.domain;
    for (std::size_t i = 1; i < walk.steps.size(); ++i)
        if (says(walk.steps[i].record, true)) {
            // One label below; the walk may have jumped over it from a long name.
            const std::size_t labels = count_labels(walk.steps[i].domain) + 1;
            std::string name = start;
            while (count_labels(name) > labels)
                name = parent_of(name);
            return name;
        }
    std::string chosen = start;
    for (const Step& step : walk.steps)
        if (step.record)
            chosen = step.domain;  // the last has the fewest labels
    return chosen;
}

event::Task<Discovered> Discovery::find_by_walk(std::string domain) {
    Discovered result;
    const Walk found = co_await walk(domain);
    result.trouble = found.trouble;
    if (!result.trouble.empty())
        co_return result;
    result.organizational_domain = choose_organizational_domain(found, domain);
    // The author's domain, its organisation, the public suffix above: in this order.
    const auto take = [&](auto wanted) {
        for (const Step& step : found.steps) {
            if (!result.record && step.record && wanted(step)) {
                result.record = step.record;
                result.domain = step.domain;
            }
        }
    };
    take([&](const Step& step) { return step.domain == domain; });
    take([&](const Step& step) { return step.domain == result.organizational_domain; });
    take([&](const Step& step) { return says(step.record, true); });
    co_return result;
}

event::Task<Discovered> Discovery::find_by_list(std::string domain) {
    Discovered result;
    result.organizational_domain = suffixes_.organizational_domain(domain);
    Looked looked = co_await look_up(domain);
    result.domain = domain;
    if (looked.trouble.empty() && !looked.record && result.organizational_domain != domain) {
        looked = co_await look_up(result.organizational_domain);
        result.domain = result.organizational_domain;
    }
    result.record = std::move(looked.record);
    result.trouble = std::move(looked.trouble);
    if (!result.record)
        result.domain.clear();
    co_return result;
}

event::Task<Discovered> Discovery::find_policy(std::string domain) {
    if (method_ == Method::tree_walk)
        co_return co_await find_by_walk(std::move(domain));
    co_return co_await find_by_list(std::move(domain));
}

event::Task<OrganizationalDomain> Discovery::find_organizational_domain(std::string domain) {
    OrganizationalDomain result;
    if (method_ == Method::public_suffix_list) {
        result.domain = suffixes_.organizational_domain(domain);
        co_return result;
    }
    const Walk found = co_await walk(domain);
    result.trouble = found.trouble;
    result.domain = choose_organizational_domain(found, domain);
    co_return result;
}

event::Task<std::optional<bool>> Discovery::exists(std::string domain) {
    questions_ += 3;
    const dns::Answer<dict::IpAddress> v4 = co_await resolver_.ipv4(domain);
    if (v4.status == dns::Status::found)
        co_return true;
    const dns::Answer<dict::IpAddress> v6 = co_await resolver_.ipv6(domain);
    if (v6.status == dns::Status::found)
        co_return true;
    const dns::Answer<dns::MailExchanger> mx = co_await resolver_.mx(domain);
    if (mx.status == dns::Status::found)
        co_return true;
    for (dns::Status status : {v4.status, v6.status, mx.status})
        if (status != dns::Status::does_not_exist)
            co_return std::optional<bool>();
    co_return false;
}

}  // namespace dmarc
