// lib/fields/kept.h - listed types in queue files, which the next build and the one before have to read.
//
// Two forms. A row of fields: one octet with the field's number, four octets length, and that many octets, in any order; a
// field that is empty or zero is left out, one that is not known is skipped, and a listed member without a number has its
// own fields in the same row. An item of a list, and a status record, is by position instead: all members in the order of
// the list, without numbers. New members go to the list's end: a reader that does not know them yet stops before them, and
// one that misses them leaves them as they are.
//
// Numbers are little-endian and as long as their type, texts have four octets of length in front.
//
// Failure     a decoder gives false for what ends inside a field or a number.
// Trust       never reads past the end, whatever lengths say. A row's length bounds the number of items: each has its own
//             field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "lib/fields/bytes.h"
#include "lib/fields/field_list.h"
#include "lib/fields/wire.h"

namespace fields::kept {

using wire::is_vector;

template <class T>
void put_plain(std::string& out, const T& value) {
    if constexpr (std::is_enum_v<T>)
        put_int(out, static_cast<std::underlying_type_t<T>>(value));
    else
        put_int(out, value);
}

template <class T>
void take_plain(fields::Reader& in, T& value) {
    if constexpr (std::is_enum_v<T>)
        value = static_cast<T>(in.take_int<std::underlying_type_t<T>>());
    else
        value = in.take_int<T>();
}

// --- by position

template <Listed T>
void encode_item(std::string& out, const T& item) {
    T::fields().all([&](const auto& listed) {
        const auto& value = item.*listed.member;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>)
            put_string(out, value);
        else
            put_plain(out, value);
        return true;
    });
}

template <Listed T>
bool decode_item(std::string_view raw, T& item) {
    fields::Reader in{raw};
    T::fields().all([&](const auto& listed) {
        auto& value = item.*listed.member;
        using Value = std::remove_cvref_t<decltype(value)>;
        if (in.empty())
            return false;  // written before this member was there
        if constexpr (std::is_same_v<Value, std::string>)
            value = in.take_string();
        else
            take_plain(in, value);
        return in.ok();
    });
    return in.ok();
}

// --- by number

inline void put_field(std::string& out, std::uint8_t number, std::string_view value) {
    put_int(out, number);
    put_string(out, value);
}

template <Listed T>
void encode_row(std::string& out, const T& row);

template <class Value>
void encode_field(std::string& out, std::uint8_t number, const Value& value) {
    if constexpr (std::is_same_v<Value, std::string>) {
        if (number != 0 && !value.empty())
            put_field(out, number, value);
    } else if constexpr (is_vector<Value>::value) {
        std::string item;
        for (const auto& each : value) {
            item.clear();
            encode_item(item, each);
            put_field(out, number, item);
        }
    } else if constexpr (Listed<Value>) {
        encode_row(out, value);
    } else if (number != 0 && value != Value{}) {
        std::string raw;
        put_plain(raw, value);
        put_field(out, number, raw);
    }
}

template <Listed T>
void encode_row(std::string& out, const T& row) {
    T::fields().all([&](const auto& listed) {
        encode_field(out, listed.number, row.*listed.member);
        return true;
    });
}

enum class Taken { unknown, taken, malformed };

template <Listed T>
Taken take_field(std::uint8_t number, std::string_view raw, T& row);

template <class Value>
Taken take_value(std::uint8_t wanted, std::uint8_t number, std::string_view raw, Value& value) {
    if constexpr (Listed<Value>) {
        return take_field(number, raw, value);
    } else {
        if (wanted == 0 || wanted != number)
            return Taken::unknown;
        if constexpr (std::is_same_v<Value, std::string>) {
            value = raw;
            return Taken::taken;
        } else if constexpr (is_vector<Value>::value) {
            return decode_item(raw, value.emplace_back()) ? Taken::taken : Taken::malformed;
        } else {
            fields::Reader in{raw};
            take_plain(in, value);
            return in.ok() ? Taken::taken : Taken::malformed;
        }
    }
}

template <Listed T>
Taken take_field(std::uint8_t number, std::string_view raw, T& row) {
    Taken taken = Taken::unknown;
    T::fields().all([&](const auto& listed) {
        taken = take_value(listed.number, number, raw, row.*listed.member);
        return taken == Taken::unknown;
    });
    return taken;
}

template <Listed T>
bool decode_row(std::string_view bytes, T& row) {
    fields::Reader in{bytes};
    while (!in.empty()) {
        const auto number = in.take_int<std::uint8_t>();
        const std::string_view raw = in.take_string();
        if (!in.ok() || take_field(number, raw, row) == Taken::malformed)
            return false;
    }
    return in.ok();
}

}  // namespace fields::kept
