#include "lib/sieve/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include <fmt/format.h>

namespace sieve {
namespace {

constexpr std::size_t kMaxPattern = 16 * 1024;
constexpr std::uint32_t kMaxNesting = 60;
constexpr std::uint32_t kHeapKilobytes = 8 * 1024;

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data() == nullptr ? "" : text.data());
}

struct ContextDeleter {
    void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

}  // namespace

struct Regex::Handles {
    pcre2_code* code = nullptr;
    ~Handles() { pcre2_code_free(code); }
};

Regex::~Regex() = default;

std::expected<std::shared_ptr<const Regex>, std::string> Regex::compile(std::string_view pattern, bool ignore_case) {
    if (pattern.size() > kMaxPattern)
        return std::unexpected(fmt::format("it has {} octets; {} is the most", pattern.size(), kMaxPattern));
    std::unique_ptr<pcre2_compile_context, ContextDeleter> context(pcre2_compile_context_create(nullptr));
    pcre2_set_parens_nest_limit(context.get(), kMaxNesting);
    std::uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOTALL;
    if (ignore_case)
        options |= PCRE2_CASELESS;
    int error = 0;
    PCRE2_SIZE offset = 0;
    std::shared_ptr<Regex> regex(new Regex);
    regex->handles_ = std::make_unique<Handles>();
    regex->handles_->code = pcre2_compile(octets(pattern), pattern.size(), options, &error, &offset, context.get());
    if (regex->handles_->code == nullptr) {
        std::array<unsigned char, 200> reason{};
        pcre2_get_error_message(error, reason.data(), reason.size());
        return std::unexpected(fmt::format("{} (at octet {})", reinterpret_cast<const char*>(reason.data()), offset));
    }
    return regex;
}

Regex::Result Regex::match(std::string_view subject, std::uint32_t steps, std::vector<std::string_view>& groups) const {
    std::unique_ptr<pcre2_match_context, ContextDeleter> context(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context.get(), steps);
    pcre2_set_depth_limit(context.get(), steps);
    pcre2_set_heap_limit(context.get(), kHeapKilobytes);
    std::unique_ptr<pcre2_match_data, ContextDeleter> data(pcre2_match_data_create_from_pattern(handles_->code, nullptr));
    int count = pcre2_match(handles_->code, octets(subject), subject.size(), 0, 0, data.get(), context.get());
    if (count == PCRE2_ERROR_NOMATCH)
        return Result::no_match;
    if (count <= 0)
        return Result::exhausted;
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    std::uint32_t total = pcre2_get_ovector_count(data.get());
    groups.assign(total, {});
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(count) && i < total; ++i)
        if (ends[2 * i] != PCRE2_UNSET && ends[2 * i + 1] >= ends[2 * i])
            groups[i] = subject.substr(ends[2 * i], ends[2 * i + 1] - ends[2 * i]);
    return Result::match;
}

}  // namespace sieve
