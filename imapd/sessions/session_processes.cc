#include "imapd/sessions/session_processes.h"

#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "imapd/sessions/stop_signal.h"
#include "lib/event/descriptors.h"
#include "lib/ipc/record.h"
#include "lib/log/log.h"

namespace sessions {
namespace {

using ipc::records::ImapHandover;

constexpr std::size_t kMaxHandOn = 65536;  // what fits into a message of such a socket; with more input a fork is no matter
constexpr std::size_t kFrameLength = 4;

std::optional<std::pair<event::Fd, event::Fd>> packet_sockets() {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return std::nullopt;
    return std::pair{event::Fd(pair[0]), event::Fd(pair[1])};
}

bool send_with_client(int control, const std::string& frame, int client) {
    return event::send_with_descriptor(control, frame, client, MSG_DONTWAIT) == static_cast<ssize_t>(frame.size());
}

// Who gave notice, as the kernel knows it; false where there is no more.
bool receive_notice(int socket, std::optional<pid_t>& sender) {
    char octet = 0;
    iovec part{&octet, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
        return false;
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
        return true;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
    sender = credentials.pid;
    return true;
}

}  // namespace

Owner make_owner(const userdb::User& user, const std::string& mail) {
    std::string text = user.name;
    for (const std::string& part : {std::to_string(user.uid.value_or(0)), std::to_string(user.gid.value_or(0)), mail}) {
        text += '\0';
        text += part;
    }
    Owner owner;
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), owner.digest.data());
    return owner;
}

SessionProcesses::SessionProcesses(std::size_t most, std::size_t most_spare, std::chrono::seconds spare_time)
    : most_(most), most_spare_(most_spare), spare_time_(spare_time) {
    processes_.reserve(most);
    auto sockets = packet_sockets();
    if (!sockets)
        logging::fatal("cannot make a pair of sockets: {}", std::strerror(errno));
    notices_ = std::move(sockets->first);
    childs_notices_ = std::move(sockets->second);
    int on = 1;
    if (setsockopt(notices_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        logging::fatal("SO_PASSCRED: {}", std::strerror(errno));
}

std::optional<ChildSockets> SessionProcesses::prepare() {
    auto sockets = packet_sockets();
    if (!sockets)
        return std::nullopt;
    next_control_ = std::move(sockets->first);
    ChildSockets child;
    child.control = std::move(sockets->second);
    child.notices = event::Fd(dup(childs_notices_.get()));
    if (!child.notices)
        return std::nullopt;
    return child;
}

void SessionProcesses::add(pid_t pid, const Owner& owner) {
    Process& process = processes_.emplace_back();
    process.pid = pid;
    process.control = std::move(next_control_);
    process.owner = owner;
}

SessionProcesses::Process* SessionProcesses::find(pid_t pid) {
    auto found = std::find_if(processes_.begin(), processes_.end(), [pid](const Process& one) { return one.pid == pid; });
    return found == processes_.end() ? nullptr : &*found;
}

bool SessionProcesses::remove(pid_t pid) {
    Process* process = find(pid);
    if (process == nullptr)
        return false;
    if (process != &processes_.back())
        *process = std::move(processes_.back());
    processes_.pop_back();
    return true;
}

bool SessionProcesses::hand_on(const Owner& owner, const ImapHandover& handover, int client) {
    std::string frame;
    for (Process& process : processes_) {
        if (!process.spare || !(process.owner == owner))
            continue;
        if (frame.empty())
            frame = ipc::encode(handover);
        if (frame.size() > kMaxHandOn)
            return false;
        process.spare = false;
        if (send_with_client(process.control.get(), frame, client))
            return true;
        process.control.reset();  // it is ending
    }
    return false;
}

void SessionProcesses::take_notices(event::Clock::time_point now) {
    for (;;) {
        std::optional<pid_t> sender;
        if (!receive_notice(notices_.get(), sender))
            break;
        Process* process = sender ? find(*sender) : nullptr;
        if (process == nullptr)
            continue;
        process->spare = static_cast<bool>(process->control);
        process->spare_since = now;
    }
    dismiss_old(now);
}

std::size_t SessionProcesses::spare_count() const {
    return static_cast<std::size_t>(
        std::count_if(processes_.begin(), processes_.end(), [](const Process& one) { return one.spare; }));
}

void SessionProcesses::dismiss_old(event::Clock::time_point now) {
    std::size_t spare = spare_count();
    for (Process& process : processes_) {
        if (process.spare && now - process.spare_since >= spare_time_) {
            process.spare = false;
            process.control.reset();
            --spare;
        }
    }
    for (; spare > most_spare_; --spare) {
        Process* oldest = nullptr;
        for (Process& process : processes_)
            if (process.spare && (oldest == nullptr || process.spare_since < oldest->spare_since))
                oldest = &process;
        oldest->spare = false;
        oldest->control.reset();
    }
}

void SessionProcesses::dismiss_all() {
    most_spare_ = 0;
    dismiss_old(event::Clock::now());
}

void SessionProcesses::signal_all(int signal) const {
    for (const Process& process : processes_)
        kill(process.pid, signal);
}

std::optional<NextClient> wait_for_next(const ChildSockets& sockets) {
    if (stop_requested || send(sockets.notices.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
        return std::nullopt;
    pollfd waiting{sockets.control.get(), POLLIN, 0};
    while (poll(&waiting, 1, -1) <= 0)
        if (stop_requested)
            return std::nullopt;
    std::string frame(kMaxHandOn, '\0');
    std::vector<event::Fd> came;
    const ssize_t size = event::receive_with_descriptors(sockets.control.get(), frame.data(), frame.size(), came);
    if (size <= static_cast<ssize_t>(kFrameLength) || came.empty())
        return std::nullopt;
    NextClient next;
    next.client = std::move(came.front());
    auto handover = ipc::decode<ImapHandover>(
        std::string_view(frame).substr(kFrameLength, static_cast<std::size_t>(size) - kFrameLength));
    if (!handover)
        return std::nullopt;
    next.handover = std::move(*handover);
    return next;
}

}  // namespace sessions
