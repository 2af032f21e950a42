#include "smtpd/stand_alone.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "lib/event/child_process.h"
#include "lib/log/log.h"
#include "smtpd/services.h"
#include "smtpd/session.h"

namespace smtpd {
namespace {

using namespace ipc::records;

// Octets from one descriptor to another until the first ends. In a thread: the standard input may be a file, which no
// event loop can wait for.
void copy_all(int from, int to) {
    char buffer[8192];
    for (;;) {
        ssize_t count = ::read(from, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return;
        for (ssize_t done = 0; done < count;) {
            ssize_t written = ::write(to, buffer + done, static_cast<std::size_t>(count - done));
            if (written <= 0)
                return;
            done += written;
        }
    }
}

struct Ends {
    event::Fd loop_side;  // non-blocking
    event::Fd blocking_side;
};

Ends make_ends() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        logging::fatal("cannot make a socket pair: {}", errno);
    event::Fd loop_side(ends[0]);
    ::fcntl(ends[0], F_SETFL, ::fcntl(ends[0], F_GETFL) | O_NONBLOCK);
    return {std::move(loop_side), event::Fd(ends[1])};
}

// What one message takes until sendmail has it.
event::Task<CleanupReply> submit(event::Loop& loop, const Params& params, const CleanupOpen& open, std::string content) {
    CleanupReply reply;
    reply.dsn = "4.3.0";
    reply.reason = "mail submission failed";
    Ends pipe = make_ends();
    event::ProcessSettings settings;
    settings.program = params.command_directory() + "/sendmail";
    settings.arguments = {"sendmail", "-i", "-f", open.sender.empty() ? "<>" : open.sender, "--"};
    for (const CleanupRecipient& recipient : open.recipients)
        settings.arguments.push_back(recipient.address);
    settings.environment = {"MAIL_CONFIG=" + params.config_directory(), "PATH=/usr/bin:/bin"};
    settings.input = pipe.blocking_side.get();
    settings.error = STDERR_FILENO;
    auto child = event::ChildProcess::start(loop, settings);
    if (!child) {
        logging::warning("{}", child.error());
        co_return reply;
    }
    pipe.blocking_side.reset();
    std::string failure;
    try {
        event::Stream stream(loop, std::move(pipe.loop_side));
        stream.write(content);
        co_await stream.flush();
        stream.close();
    } catch (const event::StreamError& error) {
        failure = error.what();
    }
    int status = co_await child->wait();
    if (failure.empty() && status == 0) {
        reply.code = 250;
        reply.queue_id = "maildrop";
    }
    co_return reply;
}

// Takes cleanup's part in the talk of lib/ipc/records/cleanup.h.
event::Task<void> stand_in_for_cleanup(event::Loop& loop, event::Stream stream, const Params& params) {
    ipc::Channel channel(std::move(stream));
    CleanupReady ready;
    ready.queue_id = "maildrop";
    channel.write(ready);
    CleanupOpen open;
    std::string content;
    for (;;) {
        std::optional<std::string_view> frame = co_await channel.next_frame();
        if (!frame)
            co_return;
        std::string_view name = ipc::record_name(*frame);
        if (name == CleanupOpen::kRecord) {
            open = ipc::decode<CleanupOpen>(*frame).value_or(CleanupOpen());
            content.clear();
        } else if (name == CleanupRecipients::kRecord) {
            auto more = ipc::decode<CleanupRecipients>(*frame).value_or(CleanupRecipients());
            open.recipients.insert(open.recipients.end(), more.recipients.begin(), more.recipients.end());
        } else if (name == CleanupContent::kRecord) {
            content += ipc::decode<CleanupContent>(*frame).value_or(CleanupContent()).octets;
        } else if (name == CleanupEnd::kRecord) {
            CleanupReply reply = co_await submit(loop, params, open, std::move(content));
            content.clear();
            reply.next_queue_id = "maildrop";
            channel.write(reply);
        }
    }
}

event::Task<void> converse(event::Loop& loop, event::Fd descriptor, Services& services) {
    worker::Client seat;
    event::Stream stream(loop, std::move(descriptor));
    co_await serve_client(std::move(stream), seat, services);
    loop.stop();
}

}  // namespace

int run_stand_alone(const std::string& config_directory) {
    config::MainCf cf = config::MainCf::load(config_directory);
    Params params;
    for (const config::Problem& problem : params.load(cf))
        logging::warning("{}", config::format_problem(problem));
    event::Loop loop;
    Services services(params, cf, loop);
    if (auto opened = services.open_dns(cf); !opened)
        logging::fatal("{}", opened.error());
    services.cleanup.use([&](event::Fd descriptor) {
        event::Stream stream(loop, std::move(descriptor));
        loop.spawn(stand_in_for_cleanup(loop, std::move(stream), params));
    });
    Ends ends = make_ends();
    int blocking = ends.blocking_side.get();
    std::thread input([blocking] {
        copy_all(STDIN_FILENO, blocking);
        ::shutdown(blocking, SHUT_WR);
    });
    std::thread output([blocking] { copy_all(blocking, STDOUT_FILENO); });
    loop.spawn(converse(loop, std::move(ends.loop_side), services));
    loop.run();
    output.join();   // the last reply is on its way
    ::_exit(EX_OK);  // the other thread may wait for an input that never ends
}

}  // namespace smtpd
