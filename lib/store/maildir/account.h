// lib/store/maildir/account.h - an Account on Maildir++: INBOX is the root, `.A.B` below it is A.B.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "lib/event/fd.h"
#include "lib/store/account.h"
#include "lib/store/maildir/folder.h"
#include "lib/store/maildir/index.h"
#include "lib/store/thrown_failure.h"

namespace store {

class MaildirAccount final : public Account, public std::enable_shared_from_this<MaildirAccount> {
  public:
    MaildirAccount(std::string path, char separator, event::Fd root);

    char separator() const override { return separator_; }
    Result<std::vector<std::string>> list() override;
    Result<std::unique_ptr<Mailbox>> open(std::string_view name) override;
    Result<void> create(std::string_view name) override;
    Result<void> remove(std::string_view name) override;
    Result<void> rename(std::string_view from, std::string_view to) override;
    Result<std::vector<std::string>> subscriptions() override;
    Result<void> subscribe(std::string_view name, bool wanted) override;
    void rest() override;

    int root() const { return root_.get(); }

    // The index as it is on disk now, opened if need be.
    std::shared_ptr<Index> index();

    // Larger than any given out before (RFC 3501, 2.3.1.1). Within a write transaction.
    std::uint32_t next_uid_validity();

    // The folder's directories, kept open for the next one who asks.
    std::shared_ptr<Folder> folder(const std::string& directory, const std::string& name);

    // Runs `work`, turns what it throws into a Failure, and tries a second time with a new index when
    // the old one turns out to be damaged.
    template <class Work>
    auto attempt(Work work) -> Result<decltype(work())>;

  private:
    void drop_index(const IndexError& error);
    std::string directory_of(std::string_view name) const;
    std::string name_of(std::string_view directory) const;
    std::vector<std::string> root_entries(bool (*wanted)(std::string_view name)) const;
    std::vector<std::string> folder_directories() const;

    struct Renaming {
        std::string from, to;  // directories
    };
    std::vector<Renaming> renamings(const std::string& source, const std::string& target) const;
    void rename_folders(const std::vector<Renaming>& renamings);
    void move_inbox(const std::string& target);
    bool create_folder(const std::string& directory, const std::string& name);
    void empty_trash();
    void sync_root();

    std::string path_;  // of the root
    char separator_;
    event::Fd root_;
    std::mutex mutex_;
    std::shared_ptr<Index> index_;
    std::map<std::string, std::shared_ptr<Folder>> folders_;
};

template <class Work>
auto MaildirAccount::attempt(Work work) -> Result<decltype(work())> {
    for (bool again = true;; again = false) {
        try {
            if constexpr (std::is_void_v<decltype(work())>) {
                work();
                return {};
            } else {
                return work();
            }
        } catch (const IndexError& error) {
            if (!again)
                return std::unexpected(Failure{
                    error.is_disk_full() ? Failure::Kind::no_space : Failure::Kind::temporary, path_ + ": " + error.what()});
            drop_index(error);
        } catch (const ThrownFailure& error) {
            return std::unexpected(error.failure);
        }
    }
}

// Makes the root if it is not there. Throws ThrownFailure.
std::shared_ptr<Account> open_maildir(const std::string& path, char separator);

}  // namespace store
