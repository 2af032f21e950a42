// lib/fields/print.h - a listed value for people: each field that says something, as name and text.
//
// Lists and listed members are gone through in their place; what is empty or zero is left out. The text is as it is: whoever
// writes it to a terminal makes it printable.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "lib/fields/field_list.h"
#include "lib/fields/wire.h"

namespace fields {

// sink(std::string_view name, std::string text)
template <Listed T, class Sink>
void print(const T& value, Sink&& sink) {
    T::fields().all([&](const auto& listed) {
        const auto& member = value.*listed.member;
        using Member = std::remove_cvref_t<decltype(member)>;
        if constexpr (Listed<Member>) {
            print(member, sink);
        } else if constexpr (wire::is_vector<Member>::value) {
            for (const auto& item : member)
                print(item, sink);
        } else if constexpr (std::is_same_v<Member, std::string>) {
            if (!member.empty())
                sink(listed.name, member);
        } else if constexpr (std::is_enum_v<Member>) {
            if (member != Member{})
                sink(listed.name, std::to_string(static_cast<long long>(member)));
        } else {
            if (member != Member{})
                sink(listed.name, std::to_string(member));
        }
        return true;
    });
}

}  // namespace fields
