// imapd/auth/passwd_file.h - the users of a passwd-file.
//
//     alice@example.test:{SHA512-CRYPT}$6$...:1000:1000::/srv/mail/alice::userdb_mail=maildir:~/Mail allow_nets=192.0.2.0/24
//
// Empty and missing fields at the end are allowed; lines that begin with "#" are comments. Names are compared without
// regard to case. Of two lines for one user the first counts.
//
// Standards   Dovecot's passwd-file
// Failure     load() gives the reason why the file cannot be read; wrong lines are passed over and reported.
// Trust       the file is the administrator's.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace auth {

struct UserEntry {
    std::string name;      // in lower case
    std::string password;  // "{SCHEME}hash"; empty: no login
    std::string uid;       // names or numbers, may be empty
    std::string gid;
    std::string gecos;
    std::string home;
    std::string shell;
    std::vector<std::pair<std::string, std::string>> extra;  // "userdb_mail", "allow_nets", ...

    const std::string* find_extra(std::string_view key) const;
};

class PasswdFile {
  public:
    static std::expected<PasswdFile, std::string> load(const std::string& path);
    static PasswdFile parse(std::string_view text, const std::string& path);

    const UserEntry* find(const std::string& name) const;  // as in the file
    const std::vector<UserEntry>& users() const { return users_; }
    const std::vector<std::string>& problems() const { return problems_; }

  private:
    std::vector<UserEntry> users_;
    std::unordered_map<std::string, std::size_t> by_name_;
    std::vector<std::string> problems_;
};

// One line for the entry, without its end.
std::string format_entry(const UserEntry& entry);

// %u, %n, %d and %% in a pattern such as /srv/mail/%d/%n.
std::string fill_pattern(std::string_view pattern, std::string_view user);

}  // namespace auth
