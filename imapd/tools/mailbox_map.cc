#include "imapd/tools/mailbox_map.h"

#include <sys/stat.h>

#include "lib/config/logical_lines.h"
#include "lib/dict/lmdb_file.h"
#include "lib/dict/source_file.h"
#include "lib/file/replace.h"
#include "lib/text/text.h"

namespace mailadm {
namespace {

std::expected<void, std::string> write_both(const std::string& path, const std::string& content) {
    if (auto written = file::replace_file(path, content); !written)
        return std::unexpected(written.error().text());
    dict::Records records;
    for (dict::SourceEntry& entry : dict::parse_map_source(content, path).entries)
        records.try_emplace(std::move(entry.key), std::move(entry.value));
    struct stat status {};
    dict::FileRights rights;
    if (::stat(path.c_str(), &status) == 0)
        rights = {status.st_mode & 0777, status.st_uid, status.st_gid};
    return dict::write_lmdb(path + ".lmdb", records, rights);
}

// The text without the logical lines of this address.
std::string without(const std::string& content, const std::string& address) {
    std::string kept;
    bool dropping = false;
    std::string_view rest = content;
    while (!rest.empty()) {
        std::size_t end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        bool begins = !line.empty() && line.front() != '#' && !text::is_space(line.front());
        if (begins)
            dropping = text::equal_ignoring_case(line.substr(0, line.find_first_of(" \t")), address);
        if (!dropping || line.empty() || line.front() == '#')
            kept += std::string(line) + "\n";
    }
    return kept;
}

std::expected<std::string, std::string> read_or_nothing(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return std::string();
    return config::read_text_file(path);
}

}  // namespace

std::expected<void, std::string> add_to_map(const std::string& path, const std::string& address) {
    if (path.empty())
        return {};
    auto content = read_or_nothing(path);
    if (!content)
        return std::unexpected(content.error());
    return write_both(path, without(*content, address) + address + "\t" + address + "/\n");
}

std::expected<void, std::string> remove_from_map(const std::string& path, const std::string& address) {
    if (path.empty())
        return {};
    auto content = read_or_nothing(path);
    if (!content)
        return std::unexpected(content.error());
    return write_both(path, without(*content, address));
}

}  // namespace mailadm
