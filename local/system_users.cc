#include "local/system_users.h"

#include <pwd.h>

#include <cerrno>
#include <vector>

namespace local {
namespace {

// For the whole of a look-up; a name service that takes longer is down.
constexpr std::chrono::seconds kTimeLimit{60};

// Blocks: for the thread pool.
SystemUsers::Found look_up(const std::string& name) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(4096);
    int failure = 0;
    while ((failure = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
           buffer.size() < (1 << 20))
        buffer.resize(2 * buffer.size());
    if (found != nullptr)
        return SystemUser{entry.pw_uid, entry.pw_gid, entry.pw_dir};
    if (failure != 0 && failure != ENOENT)
        return std::unexpected("the user database cannot be read");
    return std::nullopt;
}

question::DeskLimits limits() {
    question::DeskLimits limits;
    limits.time = kTimeLimit;
    return limits;
}

}  // namespace

event::Task<SystemUsers::Found> SystemUsers::Database::find(std::string name) {
    auto job = [name] { return look_up(name); };
    co_return co_await pool_.run(std::move(job));
}

SystemUsers::Found SystemUsers::Database::later(question::Refusal, const std::string& detail) const {
    return std::unexpected("the user database cannot be read: " + detail);
}

SystemUsers::SystemUsers(event::ThreadPool& pool) : database_(pool), desk_(pool.loop(), database_, limits()) {}

event::Task<SystemUsers::Found> SystemUsers::find(const question::Asker& asker, std::string name) {
    Found found = co_await desk_.ask(asker, name);
    if (asker.record != nullptr)
        asker.record->answered({"users of this host", std::move(name)}, !found   ? "try later: " + found.error()
                                                                        : *found ? "home " + (*found)->home
                                                                                 : "not there");
    co_return found;
}

}  // namespace local
