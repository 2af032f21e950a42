// imapd/tools/user_file.h - edits a passwd-file: one line changes, everything else stays as it is.
//
// Failure     a reason that names the file. The file is replaced whole or not at all; two commands take turns.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/auth/passwd_file.h"

namespace mailadm {

class UserFile {
  public:
    // Reads and locks the file. It is made when it does not exist and may_create says so.
    static std::expected<UserFile, std::string> open(const std::string& path, bool may_create);
    ~UserFile();
    UserFile(UserFile&& other) noexcept;
    UserFile(const UserFile&) = delete;

    const auth::UserEntry* find(const std::string& name) const { return parsed_.find(name); }
    const std::vector<auth::UserEntry>& users() const { return parsed_.users(); }

    void add(const auth::UserEntry& entry);
    // Puts another password into the user's line; the other fields stay as written.
    bool set_password(const std::string& name, const std::string& password);
    bool remove(const std::string& name);
    std::expected<void, std::string> save();

  private:
    UserFile(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
    std::vector<std::string>::iterator line_of(const std::string& name);

    std::string path_;
    int lock_;
    std::vector<std::string> lines_;
    auth::PasswdFile parsed_;
};

}  // namespace mailadm
