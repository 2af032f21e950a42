// lib/store/maildir/watch.h - notices that something in a folder was renamed, made or removed.
#pragma once

#include <memory>

#include "lib/event/fd.h"
#include "lib/store/mailbox.h"
#include "lib/store/maildir/folder.h"

namespace store {

class MaildirWatch final : public Watch {
  public:
    explicit MaildirWatch(std::shared_ptr<Folder> folder);
    int descriptor() const override { return inotify_.get(); }
    bool changed() override;

  private:
    void remember();

    std::shared_ptr<Folder> folder_;
    event::Fd inotify_;
    FileTime cur_, fresh_;
};

}  // namespace store
