// lib/fields/wire.h - listed types between programs: each field's name and value, each with its length in front.
//
// Numbers are decimal text. So a trace can be read, and a type that has changed is refused by name rather than misread.
//
// Failure     a decoder says which field was missing, repeated, unknown or out of range.
// Trust       decoders believe nothing: lists and nesting have limits, nothing is read past the end.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lib/fields/field_list.h"

namespace fields::wire {

inline constexpr std::size_t kMaxItems = 1000000;  // items of one list
inline constexpr int kMaxDepth = 8;                // types within types

void put_size(std::string& out, std::size_t size);
void put_text(std::string& out, std::string_view text);
void put_number(std::string& out, std::int64_t number);
void put_unsigned(std::string& out, std::uint64_t number);

// Reads from the front of a view, never past it.
struct Reader {
    std::string_view rest;
    std::optional<std::uint32_t> size();
    std::optional<std::string_view> text();
};

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};

template <Listed T>
void encode_fields(std::string& out, const T& value);

template <class T>
void encode_value(std::string& out, const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
        put_text(out, value);
    } else if constexpr (std::is_same_v<T, bool>) {
        put_text(out, value ? "1" : "0");
    } else if constexpr (std::is_enum_v<T>) {
        encode_value(out, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
        if constexpr (std::is_signed_v<T>)
            put_number(out, value);
        else
            put_unsigned(out, value);
    } else if constexpr (is_optional<T>::value) {
        put_size(out, value ? 1 : 0);
        if (value)
            encode_value(out, *value);
    } else if constexpr (is_vector<T>::value) {
        put_size(out, value.size());
        for (const auto& item : value)
            encode_value(out, item);
    } else {
        encode_fields(out, value);
    }
}

template <Listed T>
void encode_fields(std::string& out, const T& value) {
    T::fields().all([&](const auto& listed) {
        put_text(out, listed.name);
        encode_value(out, value.*listed.member);
        return true;
    });
}

// `bad` names the field that was wrong.
template <Listed T>
bool decode_fields(Reader& in, T& value, int depth, std::string_view& bad);

template <class T>
bool decode_value(Reader& in, T& value, int depth) {
    if constexpr (std::is_same_v<T, std::string>) {
        auto text = in.text();
        if (text)
            value.assign(*text);
        return text.has_value();
    } else if constexpr (std::is_same_v<T, bool>) {
        auto text = in.text();
        value = text && *text == "1";
        return text && (*text == "0" || *text == "1");
    } else if constexpr (std::is_enum_v<T>) {
        // Which values are known is the receiver's question: a switch over them has to have an answer.
        std::underlying_type_t<T> number{};
        if (!decode_value(in, number, depth))
            return false;
        value = static_cast<T>(number);
        return true;
    } else if constexpr (std::is_integral_v<T>) {
        auto text = in.text();
        if (!text || text->empty())
            return false;
        auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
        return code == std::errc() && end == text->data() + text->size();
    } else if constexpr (is_optional<T>::value) {
        auto count = in.size();
        if (!count || *count > 1)
            return false;
        value.reset();
        return *count == 0 || decode_value(in, value.emplace(), depth);
    } else if constexpr (is_vector<T>::value) {
        auto count = in.size();
        // Each item takes at least one octet, so a lying count cannot make us reserve much.
        if (!count || *count > kMaxItems || *count > in.rest.size())
            return false;
        value.clear();
        for (std::uint32_t i = 0; i < *count; ++i)
            if (!decode_value(in, value.emplace_back(), depth))
                return false;
        return true;
    } else {
        std::string_view bad;
        return depth < kMaxDepth && decode_fields(in, value, depth + 1, bad);
    }
}

template <Listed T>
bool decode_fields(Reader& in, T& value, int depth, std::string_view& bad) {
    return T::fields().all([&](const auto& listed) {
        auto name = in.text();
        bool good = name && *name == listed.name && decode_value(in, value.*listed.member, depth);
        if (!good)
            bad = listed.name;
        return good;
    });
}

}  // namespace fields::wire
