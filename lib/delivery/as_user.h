// lib/delivery/as_user.h - for a while, this thread is the recipient.
//
// Linux keeps identities per thread; the calls here change the calling thread's alone, so that a root process can
// deliver for several users at once without a process for each. While an AsUser lives, every file is opened with
// that user's rights and belongs to them; what the user may not do fails as it would for the user.
//
// Failure     become() returns a reason; the thread keeps its old identity then.
// Trust       never used in a process that reads from the network.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>

namespace delivery {

class AsUser {
  public:
    // Does nothing where the process is not root and is that user already.
    static std::expected<AsUser, std::string> become(uid_t user, gid_t group);
    AsUser(AsUser&& other) noexcept;
    ~AsUser();

  private:
    explicit AsUser(bool changed) : changed_(changed) {}
    bool changed_ = false;
};

}  // namespace delivery
