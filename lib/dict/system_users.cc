// unix:passwd.byname and unix:group.byname - the system's own users and groups, one line each as in passwd(5).
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "lib/config/logical_lines.h"
#include "lib/dict/table.h"
#include "lib/dict/watched_file.h"

namespace dict {
namespace {

std::string format_entry(const passwd& entry) {
    return std::string(entry.pw_name) + ":" + entry.pw_passwd + ":" + std::to_string(entry.pw_uid) + ":" +
           std::to_string(entry.pw_gid) + ":" + entry.pw_gecos + ":" + entry.pw_dir + ":" + entry.pw_shell;
}

std::string format_entry(const group& entry) {
    std::string text = std::string(entry.gr_name) + ":" + entry.gr_passwd + ":" + std::to_string(entry.gr_gid) + ":";
    for (char** member = entry.gr_mem; *member != nullptr; ++member)
        text += (member == entry.gr_mem ? "" : ",") + std::string(*member);
    return text;
}

// The names in PATH are remembered when the table is opened, for a process that is going into a chroot, where the
// system's own answer would be "nobody".
class SystemTable : public Table {
  public:
    explicit SystemTable(const char* path) : path_(path), watched_(path) {
        auto text = config::read_text_file(path);
        if (!text)
            return;
        for (std::string_view rest = *text; !rest.empty();) {
            std::size_t end = rest.find('\n');
            std::string_view line = rest.substr(0, end);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
            remembered_.try_emplace(std::string(line.substr(0, line.find(':'))), line);
        }
    }

    question::Pending<Answer> ask(const question::Asker&, std::string_view key, question::Place* place) override {
        std::string name(key);
        if (name.empty() || name.find('\0') != std::string::npos)
            return std::optional<std::string>();
        if (::access(path_, R_OK) == 0)
            return ask_system(name);
        auto found = remembered_.find(name);
        if (place != nullptr && found != remembered_.end())
            place->file = path_;
        return found == remembered_.end() ? std::optional<std::string>() : found->second;
    }

    bool stale() const override { return ::access(path_, R_OK) != 0 && watched_.changed(); }

  protected:
    virtual Answer ask_system(const std::string& name) = 0;

    // getpwnam_r and getgrnam_r share their ways of failing.
    template <class Entry, class Call>
    Answer call_system(Call call) {
        std::vector<char> buffer(4096);
        for (;;) {
            Entry entry{};
            Entry* result = nullptr;
            int error = call(&entry, buffer.data(), buffer.size(), &result);
            if (error == ERANGE && buffer.size() < (1 << 20)) {
                buffer.resize(buffer.size() * 2);
                continue;
            }
            if (result != nullptr)
                return format_entry(*result);
            if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
                return std::optional<std::string>();  // getpwnam(3): all of these may mean "not there"
            return std::unexpected(failure(std::strerror(error)));
        }
    }

  private:
    const char* path_;
    WatchedFile watched_;
    std::unordered_map<std::string, std::string> remembered_;
};

class Users final : public SystemTable {
  public:
    Users() : SystemTable("/etc/passwd") {}
    Answer ask_system(const std::string& name) override {
        return call_system<passwd>([&](passwd* entry, char* buffer, std::size_t size, passwd** result) {
            return ::getpwnam_r(name.c_str(), entry, buffer, size, result);
        });
    }
};

class Groups final : public SystemTable {
  public:
    Groups() : SystemTable("/etc/group") {}
    Answer ask_system(const std::string& name) override {
        return call_system<group>([&](group* entry, char* buffer, std::size_t size, group** result) {
            return ::getgrnam_r(name.c_str(), entry, buffer, size, result);
        });
    }
};

}  // namespace

Opened open_unix(const std::string& name) {
    if (name == "passwd.byname")
        return std::make_unique<Users>();
    if (name == "group.byname")
        return std::make_unique<Groups>();
    return std::unexpected(Failure{"unknown map: need passwd.byname or group.byname"});
}

}  // namespace dict
