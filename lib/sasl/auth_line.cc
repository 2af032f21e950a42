#include "lib/sasl/auth_line.h"

namespace sasl {

std::string escape_field(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char c : text) {
        switch (c) {
        case '\0':
            out +=
                "\1"
                "0";
            break;
        case '\1':
            out +=
                "\1"
                "1";
            break;
        case '\t': out += "\1t"; break;
        case '\r': out += "\1r"; break;
        case '\n': out += "\1n"; break;
        default: out += c;
        }
    }
    return out;
}

std::string unescape_field(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\1') {
            out += text[i];
            continue;
        }
        if (++i == text.size())
            break;
        switch (text[i]) {
        case '0': out += '\0'; break;
        case '1': out += '\1'; break;
        case 't': out += '\t'; break;
        case 'r': out += '\r'; break;
        case 'n': out += '\n'; break;
        default: out += text[i];
        }
    }
    return out;
}

std::vector<std::string> split_fields(std::string_view line) {
    std::vector<std::string> fields;
    for (;;) {
        std::size_t tab = line.find('\t');
        fields.push_back(unescape_field(line.substr(0, tab)));
        if (tab == std::string_view::npos)
            return fields;
        line.remove_prefix(tab + 1);
    }
}

std::optional<std::string> find_parameter(const std::vector<std::string>& fields, std::size_t first, std::string_view name) {
    for (std::size_t i = first; i < fields.size(); ++i) {
        std::string_view field = fields[i];
        if (!field.starts_with(name))
            continue;
        if (field.size() == name.size())
            return std::string();
        if (field[name.size()] == '=')
            return std::string(field.substr(name.size() + 1));
    }
    return std::nullopt;
}

}  // namespace sasl
