#include "imapd/sieve/delivery/parent_link.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/log/log.h"

namespace sieve_delivery {
namespace {

using ipc::records::SieveDeliver;
using ipc::records::SieveDelivered;
using ipc::records::SieveSubmit;
using ipc::records::SieveSubmitted;

constexpr std::size_t kMaxFrame = 1 << 20;

// Reads until `size` octets are there; a descriptor that comes along is taken. False at the end of the stream.
bool read_exactly(int socket, char* into, std::size_t size, event::Fd* descriptor) {
    while (size > 0) {
        iovec part{into, size};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        if (count <= 0)
            return false;  // a signal that asks us to stop ends this wait, too
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            int received = -1;
            std::memcpy(&received, CMSG_DATA(header), sizeof received);
            event::Fd owned(received);
            if (descriptor != nullptr)
                *descriptor = std::move(owned);
        }
        into += count;
        size -= static_cast<std::size_t>(count);
    }
    return true;
}

[[noreturn]] void end_without_parent() {
    logging::warning("the parent process is gone; this one ends");
    logging::flush();
    _exit(1);
}

}  // namespace

std::optional<std::string> ParentLink::read_frame(event::Fd* descriptor) {
    unsigned char head[4];
    if (!read_exactly(socket_.get(), reinterpret_cast<char*>(head), sizeof head, descriptor))
        return std::nullopt;
    std::size_t size = 0;
    for (const unsigned char octet : head)
        size = size << 8 | octet;
    if (size > kMaxFrame)
        return std::nullopt;
    std::string frame(size, '\0');
    if (!read_exactly(socket_.get(), frame.data(), size, descriptor))
        return std::nullopt;
    return frame;
}

void ParentLink::write_frame(const std::string& frame, int descriptor) {
    std::size_t sent = 0;
    while (sent < frame.size()) {
        iovec part{const_cast<char*>(frame.data()) + sent, frame.size() - sent};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (descriptor >= 0 && sent == 0) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            cmsghdr* header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
        }
        const ssize_t count = sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            end_without_parent();
        sent += static_cast<std::size_t>(count);
    }
}

bool ParentLink::wait(std::chrono::milliseconds longest) {
    pollfd waiting{socket_.get(), POLLIN, 0};
    return poll(&waiting, 1, static_cast<int>(longest.count())) != 0;
}

std::optional<Job> ParentLink::next() {
    Job job;
    std::optional<std::string> frame = read_frame(&job.content);
    if (!frame)
        return std::nullopt;
    auto request = ipc::decode<SieveDeliver>(*frame);
    if (!request || (!job.content && request->content.empty()))
        return std::nullopt;
    job.request = std::move(*request);
    return job;
}

void ParentLink::answer(const SieveDelivered& answer) { write_frame(ipc::encode(answer), -1); }

SieveSubmitted ParentLink::submit(const SieveSubmit& request, const std::string& content) {
    SieveSubmitted failed;
    const event::Fd memory{memfd_create("message", MFD_CLOEXEC)};
    for (std::size_t done = 0; memory && done < content.size();) {
        const ssize_t count = write(memory.get(), content.data() + done, content.size() - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            failed.text = std::strerror(errno);
            return failed;
        }
        done += static_cast<std::size_t>(count);
    }
    if (!memory) {
        failed.text = std::strerror(errno);
        return failed;
    }
    write_frame(ipc::encode(request), memory.get());
    std::optional<std::string> frame = read_frame(nullptr);
    if (!frame)
        end_without_parent();
    auto reply = ipc::decode<SieveSubmitted>(*frame);
    if (!reply)
        end_without_parent();
    return *reply;
}

}  // namespace sieve_delivery
