// lib/dict/source_file.h - the text form of a table: "key whitespace value", or "key: value" for alias files.
//
// Standards   postmap(1), postalias(1), aliases(5)
// Failure     wrong lines are passed over and reported as warnings in Postfix's words, which people grep for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dict {

struct SourceEntry {
    int line = 0;
    std::string key;
    std::string value;
};

struct SourceText {
    std::vector<SourceEntry> entries;
    std::vector<std::string> warnings;
};

// file_name is for the warnings. Keys are folded to lower case unless fold is off.
SourceText parse_map_source(std::string_view text, const std::string& file_name, bool fold = true);
SourceText parse_alias_source(std::string_view text, const std::string& file_name, bool fold = true);

}  // namespace dict
