#include "lib/imap/literal.h"

#include "lib/imap/number.h"

namespace imap {

std::optional<Literal> announced_literal(std::string_view line) {
    if (!line.ends_with('}'))
        return std::nullopt;
    line.remove_suffix(1);
    Literal literal;
    if (line.ends_with('+')) {
        literal.synchronizing = false;
        line.remove_suffix(1);
    }
    std::size_t digits = 0;
    while (digits < line.size() && line[line.size() - 1 - digits] >= '0' && line[line.size() - 1 - digits] <= '9')
        ++digits;
    if (digits == 0 || digits >= line.size() || line[line.size() - 1 - digits] != '{')
        return std::nullopt;
    std::optional<std::uint64_t> size = parse_number64(line.substr(line.size() - digits));
    literal.size = size.value_or(0);
    literal.overflow = !size;
    return literal;
}

}  // namespace imap
