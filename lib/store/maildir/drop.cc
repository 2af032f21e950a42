#include "lib/store/maildir/drop.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "lib/store/maildir/message_file.h"
#include "lib/store/thrown_failure.h"

namespace store {
namespace {

// Made if it is not there; its parent must be. The last step may be a link: administrators move homes so.
event::Fd open_own_directory(const std::string& path) {
    constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    event::Fd directory(::open(path.c_str(), kDirectory));
    if (!directory && errno == ENOENT && mkdir(path.c_str(), 0700) == 0)
        directory = event::Fd(::open(path.c_str(), kDirectory));
    if (!directory)
        system_trouble("cannot open the maildir " + path);
    struct stat found {};
    if (fstat(directory.get(), &found) != 0 || found.st_uid != geteuid())
        trouble(Failure::Kind::temporary, "the maildir " + path + " does not belong to its user");
    return directory;
}

template <class Work>
auto as_result(Work work) -> Result<decltype(work())> {
    try {
        if constexpr (std::is_void_v<decltype(work())>) {
            work();
            return {};
        } else {
            return work();
        }
    } catch (const ThrownFailure& error) {
        return std::unexpected(error.failure);
    }
}

class MaildirDrop final : public Delivery {
  public:
    explicit MaildirDrop(const std::string& path)
        : folder_(Folder::open(open_own_directory(path).get(), ".", path)), file_(folder_, path) {}

    Result<void> write(std::string_view chunk) override {
        return as_result([&] { file_.write(chunk); });
    }

    // Flags and keywords are for who counts messages; a drop has none.
    Result<Delivered> commit(const Options& options) override {
        return as_result([&] {
            if (options.date)
                file_.set_date(*options.date);
            file_.publish(folder_->fresh(), file_.base_name());
            file_.sync();
            return Delivered{};
        });
    }

  private:
    std::shared_ptr<Folder> folder_;
    MessageFile file_;
};

}  // namespace

Result<std::unique_ptr<Delivery>> begin_maildir_drop(const std::string& path) {
    return as_result([&]() -> std::unique_ptr<Delivery> { return std::make_unique<MaildirDrop>(path); });
}

}  // namespace store
