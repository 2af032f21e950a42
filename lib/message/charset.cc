#include "lib/message/charset.h"

#include <unicode/ucnv.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "lib/message/header.h"

namespace message {
namespace {

constexpr std::size_t kMaxCharsetName = 60;

struct CloseConverter {
    void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

Converter open_converter(std::string_view name) {
    if (name.empty() || name.size() > kMaxCharsetName || !is_ascii(name))
        return nullptr;
    std::string spelled(name);
    // Options after a comma would be ICU's own; "x-unknown" and its like are no character sets.
    if (spelled.find(',') != std::string::npos)
        return nullptr;
    if (equal_ignoring_case(spelled, "ks_c_5601-1987"))
        spelled = "windows-949";
    UErrorCode status = U_ZERO_ERROR;
    Converter converter(ucnv_open(spelled.c_str(), &status));
    return U_SUCCESS(status) ? std::move(converter) : nullptr;
}

bool is_utf8_name(std::string_view charset) {
    return equal_ignoring_case(charset, "utf-8") || equal_ignoring_case(charset, "utf8");
}

std::u16string to_utf16(std::string_view utf8) {
    std::u16string result(utf8.size() + 1, u'\0');
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(result.data(), static_cast<int32_t>(result.size()), &length, utf8.data(),
        static_cast<int32_t>(utf8.size()), 0xFFFD, nullptr, &status);
    result.resize(U_SUCCESS(status) ? static_cast<std::size_t>(length) : 0);
    return result;
}

std::string from_utf16(std::u16string_view text) {
    std::string result(text.size() * 3 + 1, '\0');
    int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8WithSub(result.data(), static_cast<int32_t>(result.size()), &length, text.data(),
        static_cast<int32_t>(text.size()), 0xFFFD, nullptr, &status);
    result.resize(U_SUCCESS(status) ? static_cast<std::size_t>(length) : 0);
    return result;
}

std::string convert(UConverter* converter, std::string_view bytes) {
    std::string result;
    std::vector<UChar> buffer(8192);
    const char* source = bytes.data();
    const char* end = source + bytes.size();
    for (;;) {
        UChar* target = buffer.data();
        UErrorCode status = U_ZERO_ERROR;
        ucnv_toUnicode(converter, &target, target + buffer.size(), &source, end, nullptr, true, &status);
        result += from_utf16({buffer.data(), static_cast<std::size_t>(target - buffer.data())});
        if (status != U_BUFFER_OVERFLOW_ERROR)
            break;
    }
    return result;
}

}  // namespace

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
}

bool is_known_charset(std::string_view name) {
    return is_utf8_name(name) || equal_ignoring_case(name, "us-ascii") || open_converter(name) != nullptr;
}

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset) {
    bool ascii = charset.empty() || equal_ignoring_case(charset, "us-ascii");
    if (ascii || is_utf8_name(charset)) {
        // Bytes above 127 without a charset are most often UTF-8.
        if (is_ascii(bytes))
            return std::string(bytes);
        return from_utf16(to_utf16(bytes));
    }
    Converter converter = open_converter(charset);
    if (!converter)
        return std::nullopt;
    return convert(converter.get(), bytes);
}

std::string fold_for_search(std::string_view utf8) {
    if (is_ascii(utf8))
        return lower_ascii(utf8);
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* fold = unorm2_getNFKCCasefoldInstance(&status);
    if (U_FAILURE(status))
        return lower_ascii(utf8);
    std::u16string text = to_utf16(utf8);
    std::u16string folded(text.size() * 2 + 16, u'\0');
    for (int attempt = 0; attempt < 2; ++attempt) {
        status = U_ZERO_ERROR;
        int32_t length = unorm2_normalize(fold, text.data(), static_cast<int32_t>(text.size()), folded.data(),
            static_cast<int32_t>(folded.size()), &status);
        folded.resize(static_cast<std::size_t>(std::max(length, 0)));
        if (status != U_BUFFER_OVERFLOW_ERROR)
            break;
    }
    return U_SUCCESS(status) ? from_utf16(folded) : lower_ascii(utf8);
}

}  // namespace message
