#include "lib/imap/literal.h"

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
    std::string_view number = line.substr(line.size() - digits);
    if (number.size() > 10) {
        literal.overflow = true;
        return literal;
    }
    for (char c : number)
        literal.size = literal.size * 10 + static_cast<std::uint64_t>(c - '0');
    literal.overflow = literal.size > UINT32_MAX;
    return literal;
}

}  // namespace imap
