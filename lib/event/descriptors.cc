#include "lib/event/descriptors.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace event {
namespace {

void take_rights(const cmsghdr& header, std::vector<Fd>& received) {
    const std::size_t count = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(&header) + i * sizeof(int), sizeof(int));
        received.emplace_back(descriptor);
    }
}

}  // namespace

ssize_t send_with_descriptor(int socket, std::string_view octets, int descriptor, int flags) {
    iovec part{const_cast<char*>(octets.data()), octets.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    return ::sendmsg(socket, &message, MSG_NOSIGNAL | flags);
}

ssize_t receive_with_descriptors(int socket, char* into, std::size_t size, std::vector<Fd>& received, int flags) {
    iovec part{into, size};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMostDescriptors)];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    if (count < 0)
        return count;
    std::vector<Fd> came;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            take_rights(*header, came);
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        errno = EPROTO;
        return -1;
    }
    for (Fd& one : came)
        received.push_back(std::move(one));
    return count;
}

}  // namespace event
