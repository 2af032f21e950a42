#include "imapd/sieve/delivery/parent_link.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/event/descriptors.h"
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
        std::vector<event::Fd> came;
        const ssize_t count = event::receive_with_descriptors(socket, into, size, came);
        if (count <= 0)
            return false;  // a signal that asks us to stop ends this wait, too
        if (descriptor != nullptr && !came.empty())
            *descriptor = std::move(came.front());
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
        const std::string_view rest = std::string_view(frame).substr(sent);
        const ssize_t count = descriptor >= 0 && sent == 0 ? event::send_with_descriptor(socket_.get(), rest, descriptor)
                                                           : ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
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
