// cmake/precompiled.h - the headers of the language and of {fmt} that nearly every file reads, compiled once.
//
// A convenience of the build, not part of any file's meaning: each file still includes what it uses, and the clang builds,
// which have no precompiled header, fail where one does not.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>
