#include "smtpd/stand_alone.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
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

// postdrop takes the records that cleanup takes, and answers with the same reply.
struct Submission {
    Submission(event::ChildProcess the_child, event::Stream stream)
        : child(std::move(the_child)), channel(std::move(stream)) {}
    event::ChildProcess child;
    ipc::Channel channel;
};

std::unique_ptr<Submission> begin_submission(event::Loop& loop, const Params& params) {
    Ends pipe = make_ends();
    event::ProcessSettings settings;
    settings.program = params.command_directory() + "/postdrop";
    settings.arguments = {"postdrop", "-c", params.config_directory(), "-r"};
    settings.environment = {"MAIL_CONFIG=" + params.config_directory(), "PATH=/usr/bin:/bin"};
    settings.input = settings.output = pipe.blocking_side.get();
    settings.error = STDERR_FILENO;
    auto child = event::ChildProcess::start(loop, settings);
    if (!child) {
        logging::warning("{}", child.error());
        return nullptr;
    }
    return std::make_unique<Submission>(std::move(*child), event::Stream(loop, std::move(pipe.loop_side)));
}

CleanupReply failed_reply() {
    CleanupReply reply;
    reply.dsn = "4.3.0";
    reply.reason = "mail submission failed";
    return reply;
}

// Says one record of the client's to postdrop; nothing is left of a submission that has failed.
event::Task<void> pass_on(std::unique_ptr<Submission>& submission, std::string_view frame) {
    if (!submission)
        co_return;
    std::string failure;
    try {
        submission->channel.stream().write(ipc::with_length(frame));
        co_await submission->channel.stream().flush();
    } catch (const event::StreamError& error) {
        failure = error.what();
    }
    if (!failure.empty())
        logging::warning("postdrop: {}", failure);  // it may have said why: its reply is still read
}

event::Task<CleanupReply> finish(std::unique_ptr<Submission> submission) {
    if (!submission)
        co_return failed_reply();
    std::string failure;
    std::expected<CleanupReply, std::string> reply;
    try {
        reply = co_await submission->channel.receive<CleanupReply>();
        failure = reply ? "" : reply.error();
    } catch (const event::StreamError& error) {
        failure = error.what();
    }
    co_await submission->child.wait();
    if (failure.empty())
        co_return *reply;
    logging::warning("postdrop: {}", failure);
    co_return failed_reply();
}

// Takes cleanup's part in the talk of lib/ipc/records/cleanup.h.
event::Task<void> stand_in_for_cleanup(event::Loop& loop, event::Stream stream, const Params& params) {
    ipc::Channel channel(std::move(stream));
    CleanupReady ready;
    ready.queue_id = "NOQUEUE";
    channel.write(ready);
    std::unique_ptr<Submission> submission;
    for (;;) {
        std::optional<std::string_view> frame = co_await channel.next_frame();
        if (!frame)
            co_return;
        const std::string name(ipc::record_name(*frame));
        if (name == CleanupOpen::kRecord)
            submission = begin_submission(loop, params);
        if (name == CleanupAbort::kRecord) {
            submission.reset();  // a pipe that closes early means that nothing shall be sent
            continue;
        }
        co_await pass_on(submission, *frame);
        if (name != CleanupEnd::kRecord)
            continue;
        CleanupReply reply = co_await finish(std::move(submission));
        reply.next_queue_id = "NOQUEUE";
        channel.write(reply);
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
