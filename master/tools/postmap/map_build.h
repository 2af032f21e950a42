// master/tools/postmap/map_build.h - makes and changes indexed tables.
//
// A table is always written whole, beside the old one, and renamed into place: no reader ever sees half of it, also
// not after a crash.
//
// Failure     warnings go to the standard error, in Postfix's words; fatal ends the command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postmap {

enum class Duplicates { warn, ignore, replace };

struct BuildOptions {
    bool aliases = false;           // postalias: "key: value"
    bool fold = true;               // -f turns it off
    bool add_nul = false;           // -N
    bool values_are_files = false;  // -F: values name files, whose content goes in as base64
    bool inherit_read = true;       // -p turns it off: others may not read the table
    bool keep_rights = false;       // -o: do not take on the rights of the source's owner
    Duplicates duplicates = Duplicates::warn;
    std::string default_type = "lmdb";
};

// NAME of "type:NAME" to NAME.lmdb; fatal for a type that cannot be written.
std::string indexed_path(std::string_view spec, std::string_view default_type);

void build(std::string_view spec, const BuildOptions& options);
// -i: entries from `text` are added to what is there.
void add_entries(std::string_view spec, std::string_view text, const BuildOptions& options);
// -d: gives whether one of the keys was there.
bool delete_keys(std::string_view spec, const std::vector<std::string>& keys, const BuildOptions& options);
void print_all(std::string_view spec, const BuildOptions& options);

}  // namespace postmap
