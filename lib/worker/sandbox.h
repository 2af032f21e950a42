// lib/worker/sandbox.h - what a process may still ask of the kernel.
//
// A filter is compiled once, while rights are still there, and applied when the process is in its jail; a
// parent may apply it in each child that it forks. `confined` takes away what no worker of its kind ever needs:
// running programs, forking, tracing, mounting, changing identity, loading code into the kernel. `network` is a list of
// what is allowed, and everything else is not. A forbidden call fails with EPERM, so a taken-over process finds the doors
// locked rather than the house gone.
//
// Failure     compile() returns a reason; where the kernel has no seccomp, apply() does, and the caller logs it.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include <linux/filter.h>

namespace worker {

enum class Sandbox {
    none,      // runs other people's programs by design: local(8), pipe(8)
    confined,  // queue processes and users' own: no new process, no exec, no new identity
    network,   // talks to strangers in a jail: only what a server of sockets needs, and no signal to anybody
};

class SeccompFilter {
  public:
    static std::expected<SeccompFilter, std::string> compile(Sandbox kind);
    // Sets no_new_privs and installs the filter for this process, for good.
    std::expected<void, std::string> apply() const;

  private:
    std::vector<sock_filter> program_;
};

}  // namespace worker
