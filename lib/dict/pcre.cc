// pcre:FILE - Perl-compatible regular expressions (pcre_table(5)), by PCRE2.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include "lib/dict/pattern_rules.h"

namespace dict {
namespace {

// What one match may cost. A pattern that needs more for some stranger's text fails, and the mail waits.
constexpr unsigned kMatchLimit = 1'000'000;
constexpr unsigned kDepthLimit = 10'000;
constexpr unsigned kHeapLimitKiB = 8 * 1024;

struct FreeCode {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeData {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

std::string error_text(int code) {
    PCRE2_UCHAR buffer[256];
    if (pcre2_get_error_message(code, buffer, sizeof buffer) < 0)
        return fmt::format("error {}", code);
    return reinterpret_cast<const char*>(buffer);
}

class PcreMatcher final : public Matcher {
  public:
    std::string compile(const std::string& pattern, unsigned options) {
        int error = 0;
        PCRE2_SIZE offset = 0;
        code_.reset(
            pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &offset, nullptr));
        if (!code_)
            return fmt::format("error in regex at offset {}: {}", offset, error_text(error));
        pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);  // without it, matching is slower and just as right
        pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &groups_);
        data_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
        context_.reset(pcre2_match_context_create(nullptr));
        if (!data_ || !context_)
            return "no memory for the regular expression";
        pcre2_set_match_limit(context_.get(), kMatchLimit);
        pcre2_set_depth_limit(context_.get(), kDepthLimit);
        pcre2_set_heap_limit(context_.get(), kHeapLimitKiB);
        return {};
    }

    std::expected<bool, std::string> match(std::string_view key, Groups& groups) const override {
        int count = pcre2_match(
            code_.get(), reinterpret_cast<PCRE2_SPTR>(key.data()), key.size(), 0, 0, data_.get(), context_.get());
        if (count == PCRE2_ERROR_NOMATCH)
            return false;
        if (count < 0)
            return std::unexpected("matching was given up: " + error_text(count));
        const PCRE2_SIZE* offsets = pcre2_get_ovector_pointer(data_.get());
        groups.clear();
        for (int i = 0; i < count; ++i) {
            PCRE2_SIZE begin = offsets[2 * i];
            PCRE2_SIZE end = offsets[2 * i + 1];
            groups.push_back(begin == PCRE2_UNSET || end < begin ? std::string_view() : key.substr(begin, end - begin));
        }
        return true;
    }

    std::size_t group_count() const override { return groups_; }

  private:
    std::unique_ptr<pcre2_code, FreeCode> code_;
    std::unique_ptr<pcre2_match_data, FreeData> data_;
    std::unique_ptr<pcre2_match_context, FreeContext> context_;
    unsigned groups_ = 0;
};

std::expected<std::unique_ptr<Matcher>, std::string> take_pcre(std::string_view& text) {
    std::expected<Delimited, std::string> found = take_delimited(text);
    if (!found)
        return std::unexpected(found.error());
    unsigned options = PCRE2_CASELESS | PCRE2_DOTALL;
    for (char flag : found->flags) {
        switch (flag) {
        case 'i': options ^= PCRE2_CASELESS; break;
        case 'm': options ^= PCRE2_MULTILINE; break;
        case 's': options ^= PCRE2_DOTALL; break;
        case 'x': options ^= PCRE2_EXTENDED; break;
        case 'A': options ^= PCRE2_ANCHORED; break;
        case 'E': options ^= PCRE2_DOLLAR_ENDONLY; break;
        case 'U': options ^= PCRE2_UNGREEDY; break;
        case 'X': break;  // PCRE2 is always as strict as PCRE_EXTRA was
        default: return std::unexpected("unknown regexp option \"" + found->flags + "\"");
        }
    }
    auto matcher = std::make_unique<PcreMatcher>();
    if (std::string reason = matcher->compile(found->pattern, options); !reason.empty())
        return std::unexpected(reason);
    return matcher;
}

}  // namespace

Opened open_pcre(const std::string& name) { return open_pattern_table(name, {"pcre", true, take_pcre}); }

}  // namespace dict
