// lib/fields/field_list.h - the one list of a struct's members, from which its encodings and its print come.
//
//     struct Recipient {
//         std::string address;
//         std::uint32_t notify = 0;
//         static constexpr auto fields() {
//             return fields::FieldList{fields::field("recipient", &Recipient::address),
//                 fields::field("notify_flags", &Recipient::notify)};
//         }
//     };
//
// The name is what goes over sockets and what postcat prints. The number, where there is one, is the field's type in a queue
// file (kept.h): never change one, never use one again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace fields {

template <class Owner, class Value>
struct Field {
    std::string_view name;
    Value Owner::*member;
    std::uint8_t number;  // 0: not in queue files
};

template <class Owner, class Value>
constexpr Field<Owner, Value> field(std::string_view name, Value Owner::*member, std::uint8_t number = 0) {
    return {name, member, number};
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
concept Listed = requires {
    T::fields();
};

}  // namespace fields
