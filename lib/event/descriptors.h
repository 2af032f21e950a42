// lib/event/descriptors.h - octets over a UNIX socket, and descriptors that travel with them (SCM_RIGHTS).
//
// One system call each, blocking or not as the socket and `flags` say. Who received must take care of how many octets came:
// on a stream socket a descriptor arrives with the first octet that it was sent with.
//
// Standards   unix(7), cmsg(3)
// Failure     -1 and errno, as sendmsg() and recvmsg(); a peer that sends more than kMostDescriptors at once is EPROTO, and
//             what came is closed.
// Trust       the peer may send anything; what is received belongs to the caller, with FD_CLOEXEC.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "lib/event/fd.h"

namespace event {

inline constexpr std::size_t kMostDescriptors = 16;  // in one call

// Sends `descriptor` with the octets, which must not be empty.
ssize_t send_with_descriptor(int socket, std::string_view octets, int descriptor, int flags = 0);

// Appends the descriptors that came to `received`.
ssize_t receive_with_descriptors(int socket, char* into, std::size_t size, std::vector<Fd>& received, int flags = 0);

}  // namespace event
