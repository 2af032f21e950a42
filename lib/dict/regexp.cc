// regexp:FILE - POSIX regular expressions (regexp_table(5)).
#include <regex.h>

#include "lib/dict/pattern_rules.h"
#include "lib/text/text.h"

namespace dict {
namespace {

// A key longer than this is no address, header or line that is looked up anywhere; matching it could take long.
constexpr std::size_t kMaxKey = 100 * 1024;

class PosixMatcher final : public Matcher {
  public:
    ~PosixMatcher() override {
        if (compiled_)
            ::regfree(&regex_);
    }

    std::string compile(const std::string& pattern, int flags) {
        int error = ::regcomp(&regex_, pattern.c_str(), flags);
        if (error != 0) {
            char reason[256];
            ::regerror(error, &regex_, reason, sizeof reason);
            return reason;
        }
        compiled_ = true;
        return {};
    }

    std::expected<bool, std::string> match(std::string_view key, Groups& groups) const override {
        if (key.size() > kMaxKey)
            return std::unexpected(std::string("the key is too long for a regular expression"));
        std::vector<regmatch_t> found(group_count() + 1);
        found[0].rm_so = 0;
        found[0].rm_eo = static_cast<regoff_t>(key.size());
        // REG_STARTEND bounds the key by length; a NUL inside it is an ordinary octet.
        int error = ::regexec(&regex_, key.data() == nullptr ? "" : key.data(), found.size(), found.data(), REG_STARTEND);
        if (error == REG_NOMATCH)
            return false;
        if (error != 0)
            return std::unexpected(std::string("the regular expression needs too much memory for this key"));
        groups.clear();
        for (const regmatch_t& group : found) {
            groups.push_back(group.rm_so < 0 ? std::string_view()
                                             : key.substr(static_cast<std::size_t>(group.rm_so),
                                                   static_cast<std::size_t>(group.rm_eo - group.rm_so)));
        }
        return true;
    }

    std::size_t group_count() const override { return regex_.re_nsub; }

  private:
    regex_t regex_{};
    bool compiled_ = false;
};

// /pattern1/!/pattern2/: the first matches and the second does not. Groups are those of the first.
class ButNotMatcher final : public Matcher {
  public:
    ButNotMatcher(std::unique_ptr<Matcher> wanted, std::unique_ptr<Matcher> unwanted)
        : wanted_(std::move(wanted)), unwanted_(std::move(unwanted)) {}

    std::expected<bool, std::string> match(std::string_view key, Groups& groups) const override {
        Groups ignored;
        std::expected<bool, std::string> unwanted = unwanted_->match(key, ignored);
        if (!unwanted)
            return unwanted;
        if (*unwanted)
            return false;
        return wanted_->match(key, groups);
    }
    std::size_t group_count() const override { return wanted_->group_count(); }

  private:
    std::unique_ptr<Matcher> wanted_;
    std::unique_ptr<Matcher> unwanted_;
};

std::expected<std::unique_ptr<Matcher>, std::string> take_one(std::string_view& text) {
    std::expected<Delimited, std::string> found = take_delimited(text, "!");
    if (!found)
        return std::unexpected(found.error());
    int flags = REG_EXTENDED | REG_ICASE;
    for (char flag : found->flags) {
        switch (flag) {
        case 'i': flags ^= REG_ICASE; break;
        case 'm': flags ^= REG_NEWLINE; break;
        case 'x': flags ^= REG_EXTENDED; break;
        default: return std::unexpected("unknown regexp option \"" + found->flags + "\"");
        }
    }
    auto matcher = std::make_unique<PosixMatcher>();
    if (std::string reason = matcher->compile(found->pattern, flags); !reason.empty())
        return std::unexpected("error in regexp: " + reason);
    return matcher;
}

std::expected<std::unique_ptr<Matcher>, std::string> take_regexp(std::string_view& text) {
    auto first = take_one(text);
    if (!first || !text.starts_with('!'))
        return first;
    text.remove_prefix(1);
    if (text.empty())
        return std::unexpected(std::string("no regexp after '!'"));
    auto second = take_one(text);
    if (!second)
        return second;
    return std::make_unique<ButNotMatcher>(std::move(*first), std::move(*second));
}

}  // namespace

Opened open_regexp(const std::string& name) { return open_pattern_table(name, {"regexp", true, take_regexp}); }

}  // namespace dict
