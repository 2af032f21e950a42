#include "lib/worker/sandbox.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "lib/event/fd.h"

namespace worker {
namespace {

struct Release {
    void operator()(void* context) const { seccomp_release(static_cast<scmp_filter_ctx>(context)); }
};

constexpr int kForbidden[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(personality),
};

std::string add_rules(scmp_filter_ctx context) {
    for (int call : kForbidden)
        if (seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), call, 0) != 0)
            return "a rule is refused by libseccomp";
    // Threads are made by clone() with CLONE_THREAD; anything else would be a process. clone3() hides its
    // flags in memory, so libc is told that it does not exist and falls back.
    int failed = seccomp_rule_add(
        context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    failed |= seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return failed != 0 ? "a rule is refused by libseccomp" : "";
}

}  // namespace

std::expected<SeccompFilter, std::string> SeccompFilter::compile(Sandbox kind) {
    SeccompFilter filter;
    if (kind == Sandbox::none)
        return filter;
    std::unique_ptr<void, Release> context(seccomp_init(SCMP_ACT_ALLOW));
    if (!context)
        return std::unexpected("libseccomp cannot make a filter");
    std::string reason = add_rules(context.get());
    if (!reason.empty())
        return std::unexpected(reason);
    event::Fd memory(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!memory || seccomp_export_bpf(context.get(), memory.get()) != 0)
        return std::unexpected("libseccomp cannot write its filter");
    off_t size = ::lseek(memory.get(), 0, SEEK_END);
    filter.program_.resize(static_cast<std::size_t>(size) / sizeof(sock_filter));
    if (::pread(memory.get(), filter.program_.data(), static_cast<std::size_t>(size), 0) != size)
        return std::unexpected("libseccomp's filter cannot be read back");
    return filter;
}

std::expected<void, std::string> SeccompFilter::apply() const {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return std::unexpected(std::string("no_new_privs: ") + std::strerror(errno));
    if (program_.empty())
        return {};
    sock_fprog program{static_cast<unsigned short>(program_.size()), const_cast<sock_filter*>(program_.data())};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0u, &program) != 0)
        return std::unexpected(std::string("seccomp: ") + std::strerror(errno));
    return {};
}

}  // namespace worker
