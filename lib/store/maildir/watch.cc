#include "lib/store/maildir/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <string>

namespace store {

MaildirWatch::MaildirWatch(std::shared_ptr<Folder> folder) : folder_(std::move(folder)) {
    inotify_ = event::Fd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    constexpr std::uint32_t kEvents = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF;
    for (int directory : {folder_->cur(), folder_->fresh()}) {
        std::string path = "/proc/self/fd/" + std::to_string(directory);
        if (inotify_ && inotify_add_watch(inotify_.get(), path.c_str(), kEvents) < 0)
            inotify_.reset();  // out of watches: the caller polls
    }
    remember();
}

bool MaildirWatch::changed() {
    bool events = false;
    char buffer[4096];
    while (inotify_ && read(inotify_.get(), buffer, sizeof buffer) > 0)
        events = true;
    FileTime cur = modification_time(folder_->cur());
    FileTime fresh = modification_time(folder_->fresh());
    bool moved = !(cur == cur_) || !(fresh == fresh_);
    remember();
    return events || moved;
}

void MaildirWatch::remember() {
    cur_ = modification_time(folder_->cur());
    fresh_ = modification_time(folder_->fresh());
}

}  // namespace store
