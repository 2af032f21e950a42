#include "lib/queue/scan.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/queue/files.h"
#include "lib/queue/queue_id.h"

namespace queue {

bool Scan::open_next() {
    while (at_ < queues_.size()) {
        const std::string name{name_of(queues_[at_++])};
        const int fd = openat(root_, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        directory_.reset(fd < 0 ? nullptr : fdopendir(fd));
        if (directory_)
            return true;
        trouble_ = files::trouble("open the directory", name);
        if (fd >= 0)
            close(fd);
    }
    return false;
}

std::vector<Entry> Scan::next(std::size_t count) {
    std::vector<Entry> found;
    while (found.size() < count) {
        if (!directory_ && !open_next())
            break;
        const dirent* item = readdir(directory_.get());
        if (item == nullptr) {
            directory_.reset();
            if (!found.empty())
                break;
            continue;
        }
        if (!is_queue_id(item->d_name))
            continue;
        struct stat info {};
        if (fstatat(dirfd(directory_.get()), item->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
            continue;  // gone already
        found.push_back({queues_[at_ - 1], item->d_name, info.st_mtim.tv_sec, info.st_mode, info.st_size});
    }
    return found;
}

}  // namespace queue
