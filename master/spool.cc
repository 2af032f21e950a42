#include "master/spool.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/log/log.h"
#include "lib/queue/queue_name.h"
#include "lib/worker/peers.h"

namespace master {
namespace {

struct Folder {
    const char* name;
    mode_t mode;
    bool root_owned;  // the spool itself and pid/: a taken-over mail process must not plant links there
    bool setgid_group;
};

// Beside those of the queue itself (lib/queue).
constexpr Folder kFolders[] = {
    {"bounce", 0700, false, false},
    {"defer", 0700, false, false},
    {"flush", 0700, false, false},
    {"saved", 0700, false, false},
    {"trace", 0700, false, false},
    {"public", 0710, false, true},
    {"private", 0710, true, false},  // nobody but root puts a socket there; mail_owner may enter
    {"pid", 0755, true, false},
};

std::expected<void, std::string> make_folder(const std::string& path, mode_t mode, uid_t user, gid_t group) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        return std::unexpected("cannot make " + path + ": " + std::strerror(errno));
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode))
        return std::unexpected(path + " is not a folder; move it away");
    bool owner_right = found.st_uid == user && found.st_gid == group;
    if (::geteuid() == 0 && !owner_right && ::lchown(path.c_str(), user, group) != 0)
        return std::unexpected("cannot give " + path + " to its owner: " + std::strerror(errno));
    if ((found.st_mode & 07777) != mode && ::chmod(path.c_str(), mode) != 0)
        return std::unexpected("cannot set the mode of " + path + ": " + std::strerror(errno));
    return {};
}

}  // namespace

std::expected<void, std::string> prepare_spool(const Params& params) {
    uid_t owner = ::geteuid();
    gid_t group = ::getegid(), setgid_group = group;
    bool root = owner == 0;
    if (root) {
        for (const auto identity : {worker::Identity::network, worker::Identity::secrets, worker::Identity::queue}) {
            const auto found = worker::find_owner(params, identity);
            if (!found)
                return std::unexpected(found.error());
            owner = found->user;
            group = found->group;
        }
        ::group* found = ::getgrnam(params.setgid_group().c_str());
        if (found == nullptr)
            return std::unexpected("setgid_group: there is no group " + params.setgid_group() +
                                   "; make it with: groupadd --system " + params.setgid_group());
        setgid_group = found->gr_gid;
    }
    const std::string& spool = params.queue_directory();
    if (auto made = make_folder(spool, 0755, root ? 0 : owner, root ? 0 : group); !made)
        return made;
    for (const queue::Folder& folder : queue::kFolders) {
        if (auto made = make_folder(
                fmt::format("{}/{}", spool, folder.name), folder.mode, owner, folder.setgid_group ? setgid_group : group);
            !made)
            return made;
    }
    for (const Folder& folder : kFolders) {
        uid_t user = folder.root_owned && root ? 0 : owner;
        gid_t own_group = folder.setgid_group ? setgid_group : group;
        if (auto made = make_folder(spool + "/" + folder.name, folder.mode, user, own_group); !made)
            return made;
    }
    return make_folder(params.data_directory(), 0700, owner, group);
}

}  // namespace master
