#include "lib/dict/source_file.h"

#include <fmt/format.h>

#include "lib/config/logical_lines.h"
#include "lib/text/text.h"

namespace dict {
namespace {

std::string fold_if(std::string_view key, bool fold) { return fold ? text::lower(key) : std::string(key); }

// "..." at the front of text, with \" and \\ inside; the key, and how long it was. Nothing if it does not close.
struct Quoted {
    std::string content;
    std::size_t length = 0;
};
bool take_quoted(std::string_view text, Quoted& quoted) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            quoted.length = i + 1;
            return true;
        }
        if (text[i] == '\\' && i + 1 < text.size())
            ++i;
        quoted.content += text[i];
    }
    return false;
}

}  // namespace

SourceText parse_map_source(std::string_view text, const std::string& file_name, bool fold) {
    SourceText result;
    for (const config::LogicalLine& line : config::split_logical_lines(text)) {
        auto warn = [&](std::string_view what) {
            result.warnings.push_back(fmt::format("{}, line {}: {}", file_name, line.line, what));
        };
        std::string_view rest = text::trim(line.text);
        if (line.starts_blank) {
            warn("logical line must not start with whitespace -- ignoring this line");
            continue;
        }
        std::string key;
        if (rest.front() == '"') {
            Quoted quoted;
            if (!take_quoted(rest, quoted)) {
                warn(fmt::format("unbalanced '\"' in '{}' -- ignoring this line", rest));
                continue;
            }
            key = std::move(quoted.content);
            rest.remove_prefix(quoted.length);
        } else {
            std::size_t end = 0;
            while (end < rest.size() && !text::is_space(rest[end]))
                ++end;
            key = rest.substr(0, end);
            rest.remove_prefix(end);
        }
        std::string_view value = text::trim(rest);
        if (key.empty() || value.empty()) {
            warn("expected format: key whitespace value -- ignoring this line");
            continue;
        }
        if (key.ends_with(':'))
            warn("record is in \"key: value\" format; is this an alias file?");
        result.entries.push_back({line.line, fold_if(key, fold), std::string(value)});
    }
    return result;
}

SourceText parse_alias_source(std::string_view text, const std::string& file_name, bool fold) {
    SourceText result;
    for (const config::LogicalLine& line : config::split_logical_lines(text)) {
        auto warn = [&](std::string_view what) {
            result.warnings.push_back(fmt::format("{}, line {}: {}", file_name, line.line, what));
        };
        if (line.starts_blank) {
            warn("logical line must not start with whitespace -- ignoring this line");
            continue;
        }
        std::string_view rest = text::trim(line.text);
        std::string key;
        bool in_quotes = false;
        std::size_t i = 0;
        for (; i < rest.size() && (in_quotes || (rest[i] != ':' && !text::is_space(rest[i]))); ++i) {
            if (rest[i] == '"') {
                in_quotes = !in_quotes;
            } else if (rest[i] == '\\' && i + 1 < rest.size()) {
                key += rest[++i];
            } else {
                key += rest[i];
            }
        }
        std::string_view value = text::trim(rest.substr(i));
        if (in_quotes || key.empty() || value.empty() || value.front() != ':') {
            warn("need name:value pair");
            continue;
        }
        value = text::trim(value.substr(1));
        if (value.empty()) {
            warn("need name:value pair");
            continue;
        }
        result.entries.push_back({line.line, fold_if(key, fold), std::string(value)});
    }
    return result;
}

}  // namespace dict
