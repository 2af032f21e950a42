// lib/file/write.h - octets to a descriptor, all of them.
//
// Failure     false, and errno says why; some octets may have been written then.
#pragma once

#include <string_view>

namespace file {

bool write_all(int descriptor, std::string_view octets);

}  // namespace file
