// lib/ipc/record.h - records between programs, declared once.
//
// A record is a plain struct with a name and one list of its fields (lib/fields); encoder, strict decoder and the log's view
// of it come from that list:
//
//     struct FlushRequest {
//         static constexpr std::string_view kRecord = "flush_request/1";
//         std::string queue_id;
//         static constexpr auto fields() { return ipc::FieldList{ipc::field("queue_id", &FlushRequest::queue_id)}; }
//     };
//
// On the wire: a frame length (4 octets, most significant first), the record's name, then its fields as lib/fields/wire.h
// has them. So a trace can be read, and a record that has changed is refused by name rather than misread. What stands inside
// other records needs a list but no name of its own (lib/envelope).
//
// Failure     decode() returns a reason: another record, a field missing, repeated, unknown or out of range,
//             octets left over, a list or nesting past its limit.
// Trust       a decoder believes nothing: the peer may have been taken over. A value is only well-formed after
//             decoding; the receiver parses queue ids, addresses and paths into its own types again.
#pragma once

#include <concepts>
#include <expected>
#include <string>
#include <string_view>

#include "lib/fields/field_list.h"
#include "lib/fields/wire.h"

namespace ipc {

inline constexpr std::size_t kMaxFrame = 16 * 1024 * 1024;  // octets of one record

using fields::field;
using fields::FieldList;

template <class T>
concept RecordType = fields::Listed<T> && requires {
    { T::kRecord } -> std::convertible_to<std::string_view>;
};

namespace detail {

// The reasons of decode(), out of line because every file that decodes would compile them anew.
std::string wrong_record(std::string_view wanted, std::string_view content);
std::string bad_field(std::string_view record, std::string_view field);
std::string left_over(std::string_view record);
// Fills in the four octets in front of a frame.
void set_length(std::string& frame);

}  // namespace detail

// The whole frame, length included.
template <RecordType T>
std::string encode(const T& record) {
    std::string out(4, '\0');
    fields::wire::put_text(out, T::kRecord);
    fields::wire::encode_fields(out, record);
    detail::set_length(out);
    return out;
}

// A frame that was read, with its length in front again.
std::string with_length(std::string_view content);

// The name of the record in a frame's content (the frame length taken off); empty where there is none.
std::string_view record_name(std::string_view content);

// `content` is a frame without its length.
template <RecordType T>
std::expected<T, std::string> decode(std::string_view content) {
    fields::wire::Reader in{content};
    auto name = in.text();
    if (!name || *name != T::kRecord)
        return std::unexpected(detail::wrong_record(T::kRecord, content));
    T record;
    std::string_view bad;
    if (!fields::wire::decode_fields(in, record, 0, bad))
        return std::unexpected(detail::bad_field(T::kRecord, bad));
    if (!in.rest.empty())
        return std::unexpected(detail::left_over(T::kRecord));
    return record;
}

}  // namespace ipc
