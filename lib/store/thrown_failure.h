// lib/store/thrown_failure.h - how failures travel inside this library: thrown here, a Result outside.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "lib/store/failure.h"

namespace store {

struct ThrownFailure : std::runtime_error {
    explicit ThrownFailure(Failure f) : std::runtime_error(f.text), failure(std::move(f)) {}
    Failure failure;
};

[[noreturn]] inline void trouble(Failure::Kind kind, std::string text) { throw ThrownFailure({kind, std::move(text)}); }

// For a failed system call: `what` names the operation and the file.
[[noreturn]] inline void system_trouble(const std::string& what, int error = errno) {
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
    trouble(full ? Failure::Kind::no_space : Failure::Kind::temporary, what + ": " + std::strerror(error));
}

}  // namespace store
