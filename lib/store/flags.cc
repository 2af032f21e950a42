#include "lib/store/flags.h"

#include "lib/text/text.h"

namespace store {
namespace {

struct Name {
    std::string_view name;
    Flags bit;
};
constexpr Name kNames[] = {
    {"\\Answered", kAnswered}, {"\\Flagged", kFlagged}, {"\\Deleted", kDeleted}, {"\\Seen", kSeen}, {"\\Draft", kDraft}};

}  // namespace

std::optional<Flags> system_flag(std::string_view name) {
    for (const Name& known : kNames) {
        if (text::equal_ignoring_case(name, known.name))
            return known.bit;
    }
    return std::nullopt;
}

std::string format_flags(Flags flags, const std::vector<std::string>& keywords) {
    std::string result;
    auto add = [&result](std::string_view name) {
        if (!result.empty())
            result += ' ';
        result += name;
    };
    for (const Name& known : kNames) {
        if (flags & known.bit)
            add(known.name);
    }
    for (std::size_t i = 0; i < keywords.size() && i < kMaxKeywords; ++i) {
        if ((flags & keyword_bit(i)) && !keywords[i].empty())
            add(keywords[i]);
    }
    return result;
}

}  // namespace store
