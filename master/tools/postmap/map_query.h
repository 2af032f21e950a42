// master/tools/postmap/map_query.h - postmap -q: asks tables as the mail system would.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postmap {

struct QueryOptions {
    bool fold = true;
    bool values_are_files = false;  // -F: print the content, decoded
    bool explain = false;           // -v: tell what was asked, and where the answer stands, on the standard error
    std::string default_type = "lmdb";
};

// One key: prints the first table's answer. Gives whether there was one.
bool query(const std::vector<std::string>& tables, std::string_view key, const QueryOptions& options);

// Keys from a text, one a line: prints "key<TAB>value" for those that are found.
bool query_lines(const std::vector<std::string>& tables, std::string_view text, const QueryOptions& options);

// A message: each header (-h) or each line of the body (-b), as header_checks and body_checks see them.
bool query_message(
    const std::vector<std::string>& tables, std::string_view message, bool headers, bool body, const QueryOptions& options);

}  // namespace postmap
