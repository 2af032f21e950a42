// lib/worker/landlock.h - what a process may still reach of files, other processes and nameless sockets, by the kernel's
// Landlock.
//
// In its jail a process may read, and nothing else: it makes, changes and removes no file, there or wherever a descriptor
// that it was given would lead. Everywhere it sends no signal to a process outside, and connects to no abstract socket of
// one.
//
// Failure     a reason where the kernel has no Landlock; an older one gives less, silently, as the manual says.
#pragma once

#include <expected>
#include <string>

namespace worker {

// For this thread and those that it starts from now on. `files` where the root directory is the jail.
std::expected<void, std::string> restrict_landlock(bool files);

}  // namespace worker
