#include "lib/store/storage.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>

#include "lib/store/maildir/account.h"

namespace store {
namespace {

constexpr Storage kStorages[] = {
    {"maildir", open_maildir},
};

std::string known_kinds() {
    std::string kinds;
    for (const Storage& storage : kStorages)
        kinds += fmt::format("{}{}:PATH", kinds.empty() ? "" : ", ", storage.kind);
    return kinds;
}

}  // namespace

std::expected<Location, std::string> parse_location(std::string_view text) {
    bool path_alone = text.starts_with('/') || text.starts_with('~') || text.starts_with('%');
    std::string_view kind = path_alone ? kStorages[0].kind : text.substr(0, text.find(':'));
    std::string_view path = path_alone ? text : text.substr(std::min(kind.size() + 1, text.size()));
    path = path.substr(0, path.find(':'));
    for (const Storage& storage : kStorages) {
        if (storage.kind == kind && !path.empty())
            return Location{&storage, std::string(path)};
    }
    return std::unexpected(fmt::format("mail_location \"{}\": only {} is known", text, known_kinds()));
}

std::string directory_beside(std::string_view location) {
    std::expected<Location, std::string> parsed = parse_location(location);
    return parsed ? parsed->path : "";
}

event::Fd scratch_file(std::string_view location) {
    std::string directory = directory_beside(location);
    event::Fd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file)
        file = event::Fd(::memfd_create("message", MFD_CLOEXEC));
    return file;
}

}  // namespace store
