// lib/sieve/header_index.h - the fields of one header, found by name, with values decoded once.
//
// Editing (RFC 5293) changes the list of fields, never the text: text() writes the edited header out.
//
// Lifetime    fields view the text they were read from, or own what was added.
// Failure     none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/message/address_list.h"
#include "lib/message/content_type.h"

namespace sieve {

class HeaderIndex {
  public:
    struct Field {
        std::string_view name;   // as written
        std::string_view body;   // folded
        std::string_view raw;    // with name and line end
        std::uint32_t hash = 0;  // of the lower case name
        std::optional<std::string> decoded;
        std::optional<std::vector<message::Address>> addresses;
        std::optional<message::ParameterizedValue> parameters;
    };

    explicit HeaderIndex(std::string_view text);

    // Fields of that name in order; pointers stay good until the header is edited.
    void find(std::string_view name, std::vector<Field*>& found);
    bool exists(std::string_view name);
    std::size_t size() const { return fields_.size(); }

    // Unfolded, encoded words decoded, blanks around it removed.
    static std::string_view value(Field& field);
    static const std::vector<message::Address>& addresses(Field& field);
    static const message::ParameterizedValue& parameters(Field& field);

    void add(std::string_view name, std::string_view value, bool at_end);
    void remove(const std::vector<Field*>& fields);

    bool edited() const { return edited_; }
    std::string text() const;
    std::size_t octets() const { return octets_; }  // of what was added

  private:
    std::string_view line_end_ = "\r\n";
    std::string_view tail_;  // from the empty line on
    std::vector<std::unique_ptr<Field>> fields_;
    std::deque<std::string> added_;
    std::size_t octets_ = 0;
    bool edited_ = false;
};

// A field as it is sent: encoded where it is not ASCII, folded; without the name's check.
std::string format_field(std::string_view name, std::string_view value, std::string_view line_end);

}  // namespace sieve
