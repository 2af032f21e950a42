#include "lib/worker/landlock.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "lib/event/fd.h"

namespace worker {
namespace {

// The kernel's interface, written here because the headers of the build host may be older than the kernel.
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kReadFile = 1 << 2, kReadDirectory = 1 << 3;

struct Ruleset {
    std::uint64_t files = 0;
    std::uint64_t net = 0;
    std::uint64_t scoped = 0;
};

struct [[gnu::packed]] PathRule {
    std::uint64_t allowed = 0;
    std::int32_t parent = -1;
};

// All rights over files that this version of the kernel's interface knows.
std::uint64_t file_rights(long version) {
    const int bits = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;
    return (std::uint64_t(1) << bits) - 1;
}

std::unexpected<std::string> failed(const char* what) {
    return std::unexpected(std::string(what) + ": " + std::strerror(errno));
}

std::expected<void, std::string> allow_reading(int ruleset) {
    event::Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    PathRule rule{kReadFile | kReadDirectory, root.get()};
    if (!root || ::syscall(kAddRule, ruleset, 1, &rule, 0u) != 0)
        return failed("landlock_add_rule");
    return {};
}

}  // namespace

std::expected<void, std::string> restrict_landlock(bool files) {
    const long version = ::syscall(kCreateRuleset, nullptr, 0, kVersion);
    if (version < 1)
        return failed("landlock_create_ruleset");
    Ruleset rules;
    rules.files = files ? file_rights(version) : 0;
    rules.scoped = version >= 6 ? 3 : 0;  // abstract sockets, signals
    if (rules.files == 0 && rules.scoped == 0)
        return std::unexpected("this kernel's version knows no scopes");
    const std::size_t size = version >= 6 ? sizeof rules : version >= 4 ? 16 : 8;
    event::Fd ruleset(static_cast<int>(::syscall(kCreateRuleset, &rules, size, 0u)));
    if (!ruleset)
        return failed("landlock_create_ruleset");
    if (files)
        if (auto allowed = allow_reading(ruleset.get()); !allowed)
            return allowed;
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::syscall(kRestrictSelf, ruleset.get(), 0u) != 0)
        return failed("landlock_restrict_self");
    return {};
}

}  // namespace worker
