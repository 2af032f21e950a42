#include "lib/sieve/checks.h"
#include "lib/sieve/comparator.h"
#include "lib/sieve/language.h"
#include "lib/sieve/machine.h"
#include "lib/text/text.h"

#include <cstring>

namespace sieve {
namespace {

constexpr std::uint64_t kOctetsPerInstruction = 1024;

bool find_octets(std::string_view value, std::string_view key) {
    return key.empty() || ::memmem(value.data(), value.size(), key.data(), key.size()) != nullptr;
}

}  // namespace

Matcher::Matcher(Machine& machine, const Call& call, Slot keys)
    : machine_(machine),
      call_(call),
      type_(static_cast<MatchType>(call.number(Slot::match_type))),
      comparator_(
          static_cast<Comparator>(call.number(Slot::comparator, static_cast<std::uint64_t>(Comparator::ascii_casemap)))),
      relation_(static_cast<Relation>(call.number(Slot::relation))),
      texts_(call.texts(keys)) {}

void Matcher::use_keys(std::vector<std::string> keys) {
    own_keys_ = std::move(keys);
    texts_ = {};
}

std::string_view Matcher::key(std::size_t index) {
    return texts_.empty() ? std::string_view(own_keys_[index]) : machine_.text(texts_[index]);
}

const std::string& Matcher::folded_key(std::size_t index) {
    if (!texts_.empty() && machine_.code().constant(texts_[index]) != nullptr)
        return machine_.folded_constant(texts_[index], comparator_);
    std::size_t count = texts_.empty() ? own_keys_.size() : texts_.size();
    folded_keys_.resize(count);
    is_folded_.resize(count);
    if (!is_folded_[index]) {
        folded_keys_[index] = fold(key(index), comparator_);
        is_folded_[index] = true;
    }
    return folded_keys_[index];
}

bool Matcher::found(std::string_view value, std::string_view key) {
    result_ = true;
    if (machine_.tracing())
        machine_.trace_detail = fmt::format(
            "\"{}\" and key \"{}\"", text::printable(cut_utf8(value, 80)), text::printable(cut_utf8(key, 80)));
    return true;
}

void Matcher::remember(const std::vector<std::string_view>& groups) {
    if (call_.kind != CallKind::body)  // RFC 5173, 6: the body test leaves match values alone
        machine_.set_match_values(groups);
}

bool Matcher::contains(std::string_view value, std::size_t index) {
    if (comparator_ == Comparator::octet)
        return find_octets(value, key(index));
    if (scratch_.empty() && !value.empty())
        scratch_ = fold(value, comparator_);
    return find_octets(scratch_, folded_key(index));
}

bool Matcher::matches_key(std::string_view value, std::size_t index) {
    std::vector<std::string_view> groups;
    switch (type_) {
    case MatchType::is: {
        std::string_view wanted = key(index);
        if (comparator_ == Comparator::unicode_casemap) {
            if (scratch_.empty() && !value.empty())
                scratch_ = fold(value, comparator_);
            return scratch_ == folded_key(index);
        }
        bool sizes_matter = comparator_ != Comparator::ascii_numeric;
        return (!sizes_matter || wanted.size() == value.size()) && equal(value, wanted, comparator_);
    }
    case MatchType::contains: return contains(value, index);
    case MatchType::value: return holds(compare(value, key(index), comparator_), relation_);
    case MatchType::matches: {
        constexpr std::uint64_t kSteps = 20'000'000;
        constexpr std::uint64_t kStepsPerInstruction = 16 * 1024;
        machine_.charge(value.size() * key(index).size() / kStepsPerInstruction);
        GlobResult result = glob(value, key(index), comparator_, kSteps, groups);
        if (result == GlobResult::exhausted)
            machine_.fail(
                fmt::format(":matches with \"{}\" took too many steps", text::printable(cut_utf8(key(index), 200))));
        if (result == GlobResult::match)
            remember(groups);
        return result == GlobResult::match;
    }
    case MatchType::regex: {
        std::string_view pattern = key(index);
        machine_.charge(20 + value.size() / 64);
        auto regex = machine_.regex(pattern, comparator_ != Comparator::octet);
        Regex::Result result = regex->match(value, machine_.limits().regex_steps, groups);
        if (result == Regex::Result::exhausted)
            machine_.fail(fmt::format(":regex with \"{}\" took too many steps", text::printable(cut_utf8(pattern, 200))));
        if (result == Regex::Result::match)
            remember(groups);
        return result == Regex::Result::match;
    }
    case MatchType::list: {
        if (!machine_.host().in_external_list(external_list_name(key(index)), value))
            return false;
        groups.assign(1, value);
        machine_.set_match_values(groups);
        return true;
    }
    default: return false;
    }
}

bool Matcher::offer(std::string_view value) {
    ++offered_;
    if (type_ == MatchType::count || result_)
        return result_;
    scratch_.clear();
    if (machine_.tracing() && machine_.trace_detail.empty())
        machine_.trace_detail = fmt::format("\"{}\"", text::printable(cut_utf8(value, 80)));
    std::size_t count = texts_.empty() ? own_keys_.size() : texts_.size();
    for (std::size_t i = 0; i < count; ++i) {
        machine_.charge(1 + value.size() / kOctetsPerInstruction);
        if (matches_key(value, i))
            return found(value, key(i));
    }
    return false;
}

bool Matcher::finish() {
    if (type_ != MatchType::count)
        return result_;
    std::string number = std::to_string(offered_);  // RFC 5231, 4.2
    std::size_t count = texts_.empty() ? own_keys_.size() : texts_.size();
    for (std::size_t i = 0; i < count && !result_; ++i)
        if (holds(compare(number, key(i), comparator_), relation_))
            found(number, key(i));
    if (machine_.tracing() && !result_)
        machine_.trace_detail = "count " + number;
    return result_;
}

}  // namespace sieve
