#include "imapd/sessions/user_process.h"

#include <dirent.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "imapd/sessions/stop_signal.h"
#include "lib/log/log.h"

namespace sessions {
namespace {

// Stream sockets, pipes and the loop's own descriptors are the parent's. Files and datagram sockets are
// where the log goes.
bool belongs_to_parent(int descriptor) {
    struct stat info {};
    if (fstat(descriptor, &info) != 0 || S_ISREG(info.st_mode) || S_ISCHR(info.st_mode))
        return false;
    int type = 0;
    socklen_t length = sizeof type;
    bool is_socket = getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
    return !is_socket || type == SOCK_STREAM || type == SOCK_SEQPACKET;
}

void close_parents_descriptors(std::initializer_list<int> keep) {
    DIR* directory = opendir("/proc/self/fd");
    if (!directory)
        return;
    std::vector<int> unwanted;
    while (const dirent* entry = readdir(directory)) {
        int descriptor = std::atoi(entry->d_name);
        if (descriptor > STDERR_FILENO && std::find(keep.begin(), keep.end(), descriptor) == keep.end() &&
            descriptor != dirfd(directory) && belongs_to_parent(descriptor))
            unwanted.push_back(descriptor);
    }
    closedir(directory);
    for (int descriptor : unwanted)
        close(descriptor);
}

void become(const userdb::User& user) {
    if (geteuid() != 0)
        return;
    gid_t group = *user.gid;
    if (setgroups(1, &group) != 0 || setgid(group) != 0 || setuid(*user.uid) != 0)
        logging::fatal("{}: cannot become uid {} gid {}: {}", user.name, *user.uid, group, strerror(errno));
    if (setuid(0) == 0)
        logging::panic("{}: the rights of root could be had back", user.name);
}

}  // namespace

void begin_user_process(
    pid_t parent, std::initializer_list<int> keep, const userdb::User& user, const worker::SeccompFilter& filter) {
    signal(SIGINT, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    install_stop_signal();
    close_parents_descriptors(keep);
    become(user);
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // an orphan does not stay
    if (getppid() != parent)
        _exit(0);
    if (auto applied = filter.apply(); !applied)
        logging::debug("this process runs without its system call filter: {}", applied.error());
}

}  // namespace sessions
