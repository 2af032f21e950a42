#include "lib/sieve/comparator.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include "lib/message/charset.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

// One character of RFC 5051: title case, then decomposed.
void append_folded(icu::UnicodeString& out, UChar32 c) {
    UErrorCode status = U_ZERO_ERROR;
    static const icu::Normalizer2* decompose = icu::Normalizer2::getNFKDInstance(status);
    UChar32 title = u_totitle(c);
    icu::UnicodeString parts;
    if (decompose != nullptr && decompose->getDecomposition(title, parts))
        out.append(parts);
    else
        out.append(title);
}

// `ends[i]` is the offset in `text` behind the character that octet i of the result comes from, `begins[i]` that before it.
std::string fold_unicode(
    std::string_view text, std::vector<std::uint32_t>* begins = nullptr, std::vector<std::uint32_t>* ends = nullptr) {
    std::string out;
    const char* octets = text.data();
    auto size = static_cast<std::int32_t>(std::min<std::size_t>(text.size(), INT32_MAX));
    for (std::int32_t at = 0; at < size;) {
        std::int32_t begin = at;
        UChar32 c = 0;
        U8_NEXT(octets, at, size, c);
        std::size_t before = out.size();
        if (c < 0) {
            out.append(octets + begin, static_cast<std::size_t>(at - begin));
        } else if (c < 0x80) {
            out += text::to_upper(static_cast<char>(c));
        } else {
            icu::UnicodeString folded;
            append_folded(folded, c);
            folded.toUTF8String(out);
        }
        if (begins != nullptr) {
            begins->resize(out.size(), static_cast<std::uint32_t>(begin));
            ends->resize(out.size(), static_cast<std::uint32_t>(at));
        }
        if (out.size() == before)
            continue;
    }
    return out;
}

std::strong_ordering compare_casemap(std::string_view a, std::string_view b) {
    std::size_t shorter = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < shorter; ++i) {
        auto x = static_cast<unsigned char>(text::to_lower(a[i]));
        auto y = static_cast<unsigned char>(text::to_lower(b[i]));
        if (x != y)
            return x <=> y;
    }
    return a.size() <=> b.size();
}

// RFC 4790, 9.1.1: leading digits as a number of any length; a text without is larger than any number.
std::strong_ordering compare_numeric(std::string_view a, std::string_view b) {
    auto digits = [](std::string_view text) {
        std::size_t end = 0;
        while (end < text.size() && text::is_digit(text[end]))
            ++end;
        return text.substr(0, end);
    };
    std::string_view x = digits(a);
    std::string_view y = digits(b);
    if (x.empty() || y.empty())
        return y.size() == x.size() ? std::strong_ordering::equal
                                    : (x.empty() ? std::strong_ordering::greater : std::strong_ordering::less);
    x.remove_prefix(std::min(x.find_first_not_of('0'), x.size() - 1));
    y.remove_prefix(std::min(y.find_first_not_of('0'), y.size() - 1));
    if (x.size() != y.size())
        return x.size() <=> y.size();
    return x.compare(y) <=> 0;
}

// The pattern taken apart once.
struct Step {
    enum class Kind { octet, one, any } kind;
    char octet;
};

std::vector<Step> parse_pattern(std::string_view pattern) {
    std::vector<Step> steps;
    steps.reserve(pattern.size());
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '*')
            steps.push_back({Step::Kind::any, 0});
        else if (pattern[i] == '?')
            steps.push_back({Step::Kind::one, 0});
        else if (pattern[i] == '\\' && i + 1 < pattern.size())
            steps.push_back({Step::Kind::octet, pattern[++i]});
        else
            steps.push_back({Step::Kind::octet, pattern[i]});
    }
    return steps;
}

// RFC 5228, 2.7.1: a character is an octet, but for Unicode comparators what was one character before it was folded. Octets
// of one character have the same beginning in `begins`.
std::size_t character_length(std::size_t at, const std::vector<std::uint32_t>& begins) {
    std::size_t length = 1;
    while (at + length < begins.size() && begins[at + length] == begins[at])
        ++length;
    return length;
}

struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

// Only the last star needs to be tried again: those before it took the least they could.
GlobResult run_glob(std::string_view value, const std::vector<Step>& steps, bool ignore_case,
    const std::vector<std::uint32_t>& begins, std::uint64_t budget, std::vector<Span>& spans) {
    std::size_t at = 0;
    std::size_t step = 0;
    std::size_t star_step = SIZE_MAX;
    std::size_t star_group = 0;
    for (;;) {
        if (budget-- == 0)
            return GlobResult::exhausted;
        bool fits = false;
        if (step < steps.size()) {
            const Step& wanted = steps[step];
            if (wanted.kind == Step::Kind::any) {
                star_step = step++;
                star_group = spans.size();
                spans.push_back({at, at});
                if (step == steps.size()) {  // takes all the rest
                    spans.back().end = value.size();
                    return GlobResult::match;
                }
                continue;
            }
            if (at < value.size() && wanted.kind == Step::Kind::one) {
                std::size_t length = character_length(at, begins);
                spans.push_back({at, at + length});
                at += length;
                ++step;
                continue;
            }
            if (at < value.size()) {
                char c = ignore_case ? text::to_lower(value[at]) : value[at];
                fits = c == wanted.octet;
            }
        } else if (at == value.size()) {
            return GlobResult::match;
        }
        if (fits) {
            ++at;
            ++step;
            continue;
        }
        if (star_step == SIZE_MAX || spans[star_group].end >= value.size())
            return GlobResult::no_match;
        spans.resize(star_group + 1);
        Span& star = spans.back();
        star.end += character_length(star.end, begins);
        at = star.end;
        step = star_step + 1;
    }
}

}  // namespace

std::string fold(std::string_view text, Comparator comparator) {
    switch (comparator) {
    case Comparator::ascii_casemap: return text::lower(text);
    case Comparator::unicode_casemap: return message::is_ascii(text) ? text::upper(text) : fold_unicode(text);
    default: return std::string(text);
    }
}

std::strong_ordering compare(std::string_view a, std::string_view b, Comparator comparator) {
    switch (comparator) {
    case Comparator::octet: return a.compare(b) <=> 0;
    case Comparator::ascii_casemap: return compare_casemap(a, b);
    case Comparator::ascii_numeric: return compare_numeric(a, b);
    default: return fold(a, comparator).compare(fold(b, comparator)) <=> 0;
    }
}

bool holds(std::strong_ordering order, Relation relation) {
    switch (relation) {
    case Relation::gt: return order > 0;
    case Relation::ge: return order >= 0;
    case Relation::lt: return order < 0;
    case Relation::le: return order <= 0;
    case Relation::eq: return order == 0;
    default: return order != 0;
    }
}

GlobResult glob(std::string_view value, std::string_view pattern, Comparator comparator, std::uint64_t steps,
    std::vector<std::string_view>& groups) {
    std::vector<Span> spans;
    bool unicode = comparator == Comparator::unicode_casemap && !(message::is_ascii(value) && message::is_ascii(pattern));
    std::string folded;
    std::vector<std::uint32_t> begins;
    std::vector<std::uint32_t> ends;
    std::vector<Step> wanted;
    std::string_view subject = value;
    bool ignore_case = comparator != Comparator::octet && !unicode;
    if (unicode) {
        folded = fold_unicode(value, &begins, &ends);
        subject = folded;
        wanted = parse_pattern(fold_unicode(pattern));
    } else {
        wanted = parse_pattern(pattern);
        if (ignore_case)
            for (Step& step : wanted)
                step.octet = text::to_lower(step.octet);
    }
    GlobResult result = run_glob(subject, wanted, ignore_case, begins, steps, spans);
    if (result != GlobResult::match)
        return result;
    groups.assign(1, value);
    for (const Span& span : spans) {
        if (!unicode) {
            groups.push_back(value.substr(span.begin, span.end - span.begin));
            continue;
        }
        std::size_t begin = span.begin < begins.size() ? begins[span.begin] : value.size();
        std::size_t end = span.end > span.begin ? ends[span.end - 1] : begin;
        groups.push_back(value.substr(begin, end - begin));
    }
    return result;
}

}  // namespace sieve
