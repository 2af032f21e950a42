// lib/dkim/header_fields.h - the fields of a header as signatures see them: by name, from the bottom up, in canonical form.
//
// Standards   RFC 6376, 3.4.1, 3.4.2 and 5.4.2
// Failure     none.
// Lifetime    the text outlives this.
// Trust       the header is a stranger's; its size is bounded by whoever gathers it, everything here is linear in it.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dkim/signature.h"

namespace dkim {

struct Field {
    std::string name;       // lower case; empty for a line that is no field
    std::string_view body;  // behind the colon, without the last line end
    std::string_view raw;   // with its line ends
};

class HeaderFields {
  public:
    explicit HeaderFields(std::string_view header);

    const std::vector<Field>& all() const { return fields_; }
    // Places in all(), top first.
    const std::vector<std::size_t>& named(std::string_view name) const;

    // The fields that h= means, in its order: each mention of a name takes the next one from the bottom.
    std::vector<const Field*> select(const std::vector<std::string>& names) const;

  private:
    std::vector<Field> fields_;
    std::map<std::string, std::vector<std::size_t>, std::less<>> by_name_;
};

// Appends the canonical form with its line end.
void append_canonical(std::string& out, Canon canon, const Field& field);
// The signature's own field: without the value of b= and without the line end.
void append_unsigned(std::string& out, Canon canon, const Field& field, std::size_t value_begin, std::size_t value_end);

}  // namespace dkim
