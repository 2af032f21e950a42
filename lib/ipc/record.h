// lib/ipc/record.h - records between programs, declared once.
//
// A record is a plain struct with a name and one list of its fields; encoder, strict decoder and the log's
// view of it come from that list:
//
//     struct FlushRequest {
//         static constexpr std::string_view kRecord = "flush_request/1";
//         std::string queue_id;
//         static constexpr auto fields() { return ipc::FieldList{ipc::field("queue_id", &FlushRequest::queue_id)}; }
//     };
//
// On the wire: a frame length (4 octets, most significant first), the record's name, then for each field its
// name and its value, each with its length in front. Numbers are decimal text. So a trace can be read, and a
// record that has changed is refused by name rather than misread.
//
// Failure     decode() returns a reason: another record, a field missing, repeated, unknown or out of range,
//             octets left over, a list or nesting past its limit.
// Trust       a decoder believes nothing: the peer may have been taken over. A value is only well-formed after
//             decoding; the receiver parses queue ids, addresses and paths into its own types again.
#pragma once

#include <charconv>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ipc {

inline constexpr std::size_t kMaxFrame = 16 * 1024 * 1024;  // octets of one record
inline constexpr std::size_t kMaxItems = 1000000;           // items of one list
inline constexpr int kMaxDepth = 8;                         // records within records

template <class Record, class Value>
struct Field {
    std::string_view name;
    Value Record::*member;
};

template <class Record, class Value>
constexpr Field<Record, Value> field(std::string_view name, Value Record::*member) {
    return {name, member};
}

// What fields() returns. A std::tuple would do as well, but costs the compiler, in each file that sees the record, as much
// as the rest of it.
template <class Places, class... Fields>
class FieldListOf;
template <std::size_t Place, class Listed>
struct FieldAt {
    Listed listed;
};
template <std::size_t... Places, class... Fields>
class FieldListOf<std::index_sequence<Places...>, Fields...> : FieldAt<Places, Fields>... {
  public:
    constexpr explicit FieldListOf(Fields... fields) : FieldAt<Places, Fields>{fields}... {}

    // Calls visit with each field, in order; stops at the first that gives false.
    template <class Visit>
    constexpr bool all(Visit visit) const {
        return (visit(FieldAt<Places, Fields>::listed) && ...);
    }
};
template <class... Fields>
struct FieldList : FieldListOf<std::index_sequence_for<Fields...>, Fields...> {
    constexpr explicit FieldList(Fields... fields) : FieldListOf<std::index_sequence_for<Fields...>, Fields...>(fields...) {}
};

template <class T>
concept RecordType = requires {
    { T::kRecord } -> std::convertible_to<std::string_view>;
    T::fields();
};

namespace detail {

void put_size(std::string& out, std::size_t size);
void put_text(std::string& out, std::string_view text);
void put_number(std::string& out, std::int64_t number);
void put_unsigned(std::string& out, std::uint64_t number);
// The reasons of decode(), out of line because every file that decodes would compile them anew.
std::string wrong_record(std::string_view wanted, std::string_view content);
std::string bad_field(std::string_view record, std::string_view field);
std::string left_over(std::string_view record);

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

template <RecordType T>
void encode_fields(std::string& out, const T& record);

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

template <RecordType T>
void encode_fields(std::string& out, const T& record) {
    T::fields().all([&](const auto& listed) {
        put_text(out, listed.name);
        encode_value(out, record.*listed.member);
        return true;
    });
}

template <RecordType T>
bool decode_fields(Reader& in, T& record, int depth, std::string_view& bad);

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

template <RecordType T>
bool decode_fields(Reader& in, T& record, int depth, std::string_view& bad) {
    return T::fields().all([&](const auto& listed) {
        auto name = in.text();
        bool good = name && *name == listed.name && decode_value(in, record.*listed.member, depth);
        if (!good)
            bad = listed.name;
        return good;
    });
}

}  // namespace detail

// The whole frame, length included.
template <RecordType T>
std::string encode(const T& record) {
    std::string out(4, '\0');
    detail::put_text(out, T::kRecord);
    detail::encode_fields(out, record);
    std::size_t size = out.size() - 4;
    for (int i = 0; i < 4; ++i)
        out[static_cast<std::size_t>(i)] = static_cast<char>(size >> (24 - 8 * i));
    return out;
}

// The name of the record in a frame's content (the frame length taken off); empty where there is none.
std::string_view record_name(std::string_view content);

// `content` is a frame without its length.
template <RecordType T>
std::expected<T, std::string> decode(std::string_view content) {
    detail::Reader in{content};
    auto name = in.text();
    if (!name || *name != T::kRecord)
        return std::unexpected(detail::wrong_record(T::kRecord, content));
    T record;
    std::string_view bad;
    if (!detail::decode_fields(in, record, 0, bad))
        return std::unexpected(detail::bad_field(T::kRecord, bad));
    if (!in.rest.empty())
        return std::unexpected(detail::left_over(T::kRecord));
    return record;
}

}  // namespace ipc
