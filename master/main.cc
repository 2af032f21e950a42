// NAME
//     master - the mail system's supervisor
// SYNOPSIS
//     master [-c config_dir] [-w descriptor] [-t]
// DESCRIPTION
//     Opens every socket of master.cf, starts a process when a client arrives and none is free, keeps their
//     number within limits, wakes them by their timers, and starts them again, slowly where they die at once.
//     The malleposte(1) command starts, reloads and stops it; so does systemd.
//         -w descriptor   say "ready" there once clients are accepted, or the reason why not
//         -t              only test whether a master runs for this configuration: exit 0 where none does
//     SIGHUP reloads, SIGTERM stops after what is under way, SIGQUIT stops at once.
// SECURITY
//     Runs as root and reads nothing that comes from the network. The control sockets to its processes carry
//     single octets. Processes that need no rights are started so that they give them up (-u, -r).
// DIAGNOSTICS
//     Problems go to the log; a start that fails exits with status 1.
// FILES
//     queue_directory/pid/master.pid, locked while master runs
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/ipc/channel.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "master/spool.h"
#include "master/supervisor.h"
#include "master/systemd.h"

namespace {

struct Options {
    std::string config_directory = config::default_directory();
    int ready_descriptor = -1;
    bool test_only = false;
};

Options parse_options(int argc, char** argv) {
    Options options;
    for (int option = 0; (option = ::getopt(argc, argv, "c:w:tdv")) != -1;) {
        switch (option) {
        case 'c': options.config_directory = config::absolute_directory(optarg); break;
        case 'w': options.ready_descriptor = static_cast<int>(text::parse_number(optarg).value_or(0)); break;
        case 't': options.test_only = true; break;
        case 'd': break;  // foreground is the only way it runs
        case 'v': logging::set_verbosity(1); break;
        default: ::_exit(64);
        }
    }
    return options;
}

// Tells whoever started us, then the log; ends the process.
[[noreturn]] void refuse(const Options& options, const std::string& reason) {
    if (options.ready_descriptor >= 0) [[maybe_unused]]
        ssize_t written = ::write(options.ready_descriptor, reason.data(), reason.size());
    logging::exit_fatal(reason);
}

// The lock is the truth about whether a master runs; the number in the file is for people and scripts.
event::Fd lock_pid_file(const Options& options) {
    event::Fd file(::open("pid/master.pid", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file)
        refuse(options, std::string("cannot open pid/master.pid: ") + std::strerror(errno));
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (options.test_only)
            ::_exit(1);
        refuse(options, "the mail system is already running");
    }
    if (options.test_only)
        ::_exit(0);
    std::string pid = fmt::format("{:>10}\n", ::getpid());
    if (::ftruncate(file.get(), 0) != 0 || ::write(file.get(), pid.data(), pid.size()) < 0)
        refuse(options, std::string("cannot write pid/master.pid: ") + std::strerror(errno));
    return file;
}

// Why there is no log where there should be one; mail goes on.
std::string open_log(const master::Params& params) {
    logging::Settings settings;
    settings.syslog_name = params.syslog_name();
    settings.service = "master";
    settings.facility = params.syslog_facility();
    settings.file = params.maillog_file();
    settings.host = params.myhostname().substr(0, params.myhostname().find('.'));
    return logging::open_for_service(settings);
}

event::Task<void> send_status(event::Stream stream, master::Supervisor& supervisor) {
    ipc::Channel channel(std::move(stream));
    channel.stream().set_timeout(std::chrono::seconds(10));
    ipc::records::MasterStatus status = supervisor.status();
    try {
        co_await channel.send(status);
    } catch (const event::StreamError&) {
        // It went away; nobody wants the answer.
    }
}

event::Task<void> serve_status(event::Loop& loop, event::Listener& listener, master::Supervisor& supervisor) {
    for (;;) {
        event::Fd client = co_await listener.accept();
        event::Stream stream(loop, std::move(client));
        loop.spawn(send_status(std::move(stream), supervisor));
    }
}

// Who stole one process has what its uid has.
void tell_what_is_not_separated(const master::Params& params) {
    if (::geteuid() != 0) {
        logging::info(
            "not started by root: every process runs as user id {}, without chroot; those that talk to strangers are not "
            "separated from the queue, from passwords and keys, or from each other, and who asks whom is not checked",
            ::geteuid());
        return;
    }
    const std::pair<const char*, std::string> owners[] = {{"mail_owner", params.mail_owner()},
        {"network_owner", params.network_owner()}, {"secrets_owner", params.secrets_owner()}};
    for (std::size_t i = 0; i < std::size(owners); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (owners[i].second == owners[j].second)
                logging::warning("{} and {} are both {}: what they are to keep apart is not separated", owners[j].first,
                    owners[i].first, owners[i].second);
}

void report_problems(const Options& options, const config::Problems& problems) {
    for (const config::Problem& problem : problems) {
        logging::warning("{}", config::format_problem(problem));
        if (problem.unsafe)
            refuse(options, config::format_problem(problem));
    }
}

}  // namespace

int main(int argc, char** argv) {
    Options options = parse_options(argc, argv);
    config::MainCf cf = config::MainCf::load(options.config_directory);
    master::Params params;
    config::Problems problems = params.load(cf);
    ::umask(022);
    const std::string no_log = open_log(params);
    report_problems(options, cf.problems());
    report_problems(options, problems);
    if (auto ready = master::prepare_spool(params); !ready)
        refuse(options, ready.error());
    if (::chdir(params.queue_directory().c_str()) != 0)
        refuse(options, "cannot enter " + params.queue_directory() + ": " + std::strerror(errno));
    event::Fd pid_file = lock_pid_file(options);

    event::Loop loop;
    master::Supervisor supervisor(loop, options.config_directory);
    loop.on_signal(SIGCHLD, [&] { supervisor.reap(); });
    loop.on_signal(SIGHUP, [&] { supervisor.reload(); });
    loop.on_signal(SIGTERM, [&] { supervisor.stop(); });
    loop.on_signal(SIGINT, [&] { supervisor.stop(); });
    loop.on_signal(SIGQUIT, [&] { supervisor.abort(); });
    if (auto started = supervisor.start(params, cf); !started)
        refuse(options, started.error());
    auto status_socket = event::listen_at_path("private/master", 0600);
    if (!status_socket)
        refuse(options, status_socket.error());
    event::Listener status_listener(loop, std::move(*status_socket));
    loop.spawn(serve_status(loop, status_listener, supervisor));
    logging::info("daemon started -- version {}, configuration {}", params.mail_version(), options.config_directory);
    tell_what_is_not_separated(params);
    master::systemd_watchdog(loop);
    master::systemd_ready();
    if (options.ready_descriptor >= 0) {
        const std::string word = "ready" + no_log;
        [[maybe_unused]] ssize_t written = ::write(options.ready_descriptor, word.data(), word.size());
        ::close(options.ready_descriptor);
    }
    loop.run();
    logging::info("the mail system is stopped");
    ::_exit(0);
}
