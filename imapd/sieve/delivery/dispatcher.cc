#include "imapd/sieve/delivery/dispatcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "imapd/account/identity.h"
#include "imapd/account/mail_location.h"
#include "imapd/sessions/user_process.h"
#include "imapd/sieve/delivery/parent_link.h"
#include "imapd/sieve/delivery/user_delivery.h"
#include "lib/address/mailbox.h"
#include "lib/event/child_process.h"
#include "lib/log/log.h"

namespace sieve_delivery {

using ipc::records::CleanupOpen;
using ipc::records::CleanupReply;
using ipc::records::SieveSubmit;
using ipc::records::SieveSubmitted;

namespace {

constexpr std::size_t kMaxRecord = 1 << 20;
constexpr std::chrono::seconds kLookEvery{1};
constexpr std::chrono::milliseconds kReasonsWait{100};
constexpr std::size_t kMaxRecipients = 100;

// Root alone hands mail in; in an instance without root the one user there is.
bool may_ask(int descriptor) {
    ucred peer{};
    socklen_t size = sizeof peer;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

// The message as the child sees it; empty where the descriptor is none that can be mapped.
class Mapped {
  public:
    explicit Mapped(int file) {
        struct stat info {};
        if (fstat(file, &info) != 0 || info.st_size <= 0)
            return;
        void* at = mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
        if (at == MAP_FAILED)
            return;
        octets_ = {static_cast<const char*>(at), static_cast<std::size_t>(info.st_size)};
    }
    ~Mapped() {
        if (!octets_.empty())
            munmap(const_cast<char*>(octets_.data()), octets_.size());
    }
    Mapped(const Mapped&) = delete;
    std::string_view octets() const { return octets_; }

  private:
    std::string_view octets_;
};

}  // namespace

struct Dispatcher::Link {
    Link(event::Loop& loop, event::Stream stream, worker::Client& client)
        : channel(std::move(stream)), replies(loop), scope(loop), seat(client) {}
    ipc::Channel channel;
    event::Queue<Delivered> replies;
    event::Scope scope;
    worker::Client& seat;
    int outstanding = 0;
};

Dispatcher::Dispatcher(const Params& params, worker::Jailed& jail, worker::SeccompFilter filter)
    : params_(params),
      jail_(jail),
      filter_(std::move(filter)),
      cleanup_(jail.loop()),
      freed_(jail.loop()),
      users_(jail.loop(), params.userdb_socket(), "lmtp") {
    jail_.loop().on_signal(SIGCHLD, [this] { reap(); });
    jail_.on_leave([this] { end_idle(event::Clock::time_point::max()); });
    jail_.loop().spawn(end_idle_in_time());
}

void Dispatcher::reap() {
    int status = 0;
    for (pid_t child = waitpid(-1, &status, WNOHANG); child > 0; child = waitpid(-1, &status, WNOHANG)) {
        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
            logging::error("process {} of a user's script was ended by signal {}", child, WTERMSIG(status));
        --children_;
        jail_.release();
    }
}

event::Task<void> Dispatcher::end_idle_in_time() {
    for (;;) {
        co_await event::sleep_for(jail_.loop(), kLookEvery);
        end_idle(event::Clock::now() - params_.spare_process_time());
    }
}

// Closing its channel is what ends a process: it leaves when it reads the end.
void Dispatcher::end_idle(event::Clock::time_point before) {
    std::erase_if(processes_, [before](const auto& process) { return !process->busy && process->idle_since <= before; });
}

namespace {

event::Task<void> write_replies(ipc::Channel& channel, event::Queue<ipc::records::SieveDelivered>& replies) {
    try {
        for (;;) {
            std::optional<ipc::records::SieveDelivered> reply = co_await replies.pop();
            if (!reply)
                break;
            channel.write(*reply);
            co_await channel.stream().flush();
        }
    } catch (const event::StreamError&) {
        // The reader of the same connection tells.
    }
}

}  // namespace

event::Task<void> Dispatcher::serve_store(event::Stream stream, worker::Client& seat) {
    if (!may_ask(stream.descriptor())) {
        logging::warning("a client that is not root is refused");
        co_return;
    }
    Link link(jail_.loop(), std::move(stream), seat);
    event::Task<void> writer = write_replies(link.channel, link.replies);
    link.scope.spawn(std::move(writer));
    std::string broken;
    seat.set(worker::Client::State::between_requests);
    try {
        for (;;) {
            std::optional<std::string_view> frame = co_await link.channel.next_frame(kMaxRecord);
            if (!frame)
                break;
            seat.set(worker::Client::State::busy);
            auto request = ipc::decode<Deliver>(*frame);
            event::Fd content = link.channel.stream().take_fd();
            if (!request || (!content && request->content.empty())) {
                broken = request ? "a message without content" : request.error();
                break;
            }
            ++link.outstanding;
            event::Task<void> task = take(link, std::move(*request), std::move(content));
            link.scope.spawn(std::move(task));
        }
    } catch (const event::StreamError& error) {
        if (error.kind() != event::StreamError::Kind::cancelled)
            broken = error.what();
    }
    if (!broken.empty())
        logging::warning("lmtp-store: {}", broken);
    link.replies.close();
    co_await link.scope.close();
}

// Whose rights and mail it is, by auth's own word.
event::Task<std::expected<Dispatcher::Recipient, std::string>> Dispatcher::find_recipient(std::string name) {
    userdb::Found found = co_await users_.find(std::move(name));
    if (!found)
        co_return std::unexpected(found.error());
    if (!*found)
        co_return std::unexpected(std::string("auth knows no such user"));
    Recipient recipient;
    recipient.user = std::move(**found);
    const userdb::User& user = recipient.user;
    if (std::string refused = account::refused_identity(user.uid, user.gid, params_.first_valid_uid()); !refused.empty())
        co_return std::unexpected(std::move(refused));
    auto mail = account::mail_of(user.mail.empty() ? params_.mail_location() : user.mail, user.name, user.home);
    if (!mail)
        co_return std::unexpected(mail.error());
    recipient.mail = std::move(*mail);
    co_return std::move(recipient);
}

event::Task<void> Dispatcher::take(Link& link, Deliver request, event::Fd content) {
    Delivered answer;
    std::expected<Recipient, std::string> recipient = co_await find_recipient(request.user);
    if (!recipient) {
        logging::error("{}: user={}: {} -- the message waits", request.session, request.user, recipient.error());
        answer.dsn = "4.3.0", answer.text = "The recipient's rules cannot be followed now";
    } else {
        const sessions::Owner owner = sessions::make_owner(recipient->user, recipient->mail);
        Process* process = co_await process_for(owner, *recipient);
        std::optional<Delivered> said;
        if (process != nullptr)
            said = co_await talk(*process, request, std::move(content));
        if (process != nullptr)
            give_back(process, said.has_value());
        if (said)
            answer = std::move(*said);
        else
            answer.code = process != nullptr ? 0 : 451;
        if (process == nullptr)
            answer.dsn = "4.3.0", answer.text = "The recipient's rules cannot be followed now";
    }
    answer.request_id = request.request_id;
    link.replies.push(std::move(answer));
    if (--link.outstanding == 0)
        link.seat.set(worker::Client::State::between_requests);
}

event::Task<Dispatcher::Process*> Dispatcher::process_for(const sessions::Owner& owner, const Recipient& recipient) {
    for (;;) {
        std::size_t own = 0;
        for (const auto& process : processes_) {
            own += process->owner == owner;
            if (process->owner == owner && !process->busy) {
                process->busy = true;
                co_return process.get();
            }
        }
        if (children_ >= static_cast<std::size_t>(params_.process_limit()))
            end_idle(event::Clock::time_point::max());  // of other users; whoever is gone makes room soon
        if (own < static_cast<std::size_t>(params_.user_process_limit()) &&
            processes_.size() < static_cast<std::size_t>(params_.process_limit()))
            co_return spawn(owner, recipient);
        co_await freed_.wait();
    }
}

Dispatcher::Process* Dispatcher::spawn(const sessions::Owner& owner, const Recipient& recipient) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        logging::error("{}: cannot make a socket: {}", recipient.user.name, std::strerror(errno));
        return nullptr;
    }
    event::Fd ours(pair[0]), theirs(pair[1]);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0)
        run_child(parent, recipient, std::move(theirs));
    if (child < 0) {
        logging::error("{}: cannot start a process: {}", recipient.user.name, std::strerror(errno));
        return nullptr;
    }
    ++children_;
    jail_.hold();
    fcntl(ours.get(), F_SETFL, O_NONBLOCK);
    auto process = std::make_unique<Process>();
    process->pid = child;
    process->owner = owner;
    process->channel = ipc::Channel(event::Stream(jail_.loop(), std::move(ours)));
    process->channel.stream().set_timeout(params_.timeout());
    processes_.push_back(std::move(process));
    return processes_.back().get();
}

void Dispatcher::run_child(pid_t parent, const Recipient& recipient, event::Fd socket) {
    sessions::begin_user_process(parent, {socket.get()}, recipient.user, filter_);
    ParentLink link(std::move(socket));
    UserDelivery user(params_, link, {recipient.user.name, recipient.user.home}, recipient.mail);
    logging::set_buffered(true);
    while (std::optional<Job> job = link.next()) {
        const Mapped content(job->content.get());
        link.answer(user.deliver(job->request, job->content ? content.octets() : job->request.content));
        logging::flush();
        if (user.has_reasons() && !link.wait(kReasonsWait))
            user.keep_reasons();
    }
    if (user.has_reasons())
        user.keep_reasons();
    _exit(0);
}

event::Task<std::optional<Dispatcher::Delivered>> Dispatcher::talk(
    Process& process, const Deliver& request, event::Fd content) {
    std::string wrong;
    try {
        process.channel.stream().set_deadline(event::Clock::now() + params_.timeout());
        if (content)
            process.channel.write_with_fd(request, std::move(content));
        else
            process.channel.write(request);
        co_await process.channel.stream().flush();
        for (;;) {
            std::optional<std::string_view> frame = co_await process.channel.next_frame(kMaxRecord);
            if (!frame) {
                wrong = "it ended";
                break;
            }
            const std::string_view name = ipc::record_name(*frame);
            if (name == Delivered::kRecord) {
                auto answer = ipc::decode<Delivered>(*frame);
                if (answer) {
                    process.channel.stream().set_deadline(std::nullopt);
                    co_return *answer;
                }
                wrong = answer.error();
                break;
            }
            auto mail = ipc::decode<SieveSubmit>(*frame);
            event::Fd octets = process.channel.stream().take_fd();
            if (!mail || !octets) {
                wrong = mail ? "mail without a descriptor" : mail.error();
                break;
            }
            co_await submit(process, std::move(*mail), std::move(octets), request.session);
        }
    } catch (const event::StreamError& error) {
        wrong = error.what();
        if (error.kind() == event::StreamError::Kind::cancelled)
            wrong = "this process is leaving";
    }
    logging::error("{}: user={}: the process with the user's script: {} -- the message goes to the INBOX", request.session,
        request.user, wrong);
    co_return std::nullopt;
}

event::Task<void> Dispatcher::submit(Process& process, SieveSubmit request, event::Fd content, std::string session) {
    SieveSubmitted answer;
    struct stat info {};
    if (request.recipients.empty() || request.recipients.size() > kMaxRecipients || fstat(content.get(), &info) != 0 ||
        !S_ISREG(info.st_mode)) {
        answer.text = "not a message";
    } else {
        CleanupOpen open;
        open.mail.sender = request.sender;
        // Somebody else's message is left as it is, down to its header; what is written here is mail of this house.
        const bool forward = request.kind == ipc::records::SieveMail::forward;
        open.mail.flags = forward ? 0u : envelope::kLocalOrigin;
        open.handling = forward ? ipc::records::kCleanupForward : ipc::records::kCleanupOurs;
        for (const std::string& recipient : request.recipients)
            open.recipients.emplace_back().address = recipient;
        const queue::FileContent message{std::move(content), {0, static_cast<std::uint64_t>(info.st_size)}};
        queue::FileContent::Reader reader{message};
        queue::CleanupClient::Content source = queue::CleanupClient::content_of(reader);
        process.channel.stream().set_deadline(std::nullopt);  // the queue's time is not the script's
        CleanupReply reply = co_await cleanup_.submit(std::move(open), std::move(source));
        process.channel.stream().set_deadline(event::Clock::now() + params_.timeout());
        answer.code = reply.code;
        answer.text = reply.reason;
        logging::info(
            "{}: sieve mail from=<{}> to=<{}>: {}", session, request.sender, request.recipients.front(), reply.reason);
    }
    process.channel.write(answer);
    co_await process.channel.stream().flush();
}

void Dispatcher::give_back(Process* process, bool usable) {
    process->busy = false;
    process->idle_since = event::Clock::now();
    if (!usable || jail_.leaving()) {
        if (!usable)
            kill(process->pid, SIGKILL);
        std::erase_if(processes_, [process](const auto& one) { return one.get() == process; });
    }
    freed_.notify_all();  // each waits for a process of its own user; one alone might be woken for nothing
}

}  // namespace sieve_delivery
