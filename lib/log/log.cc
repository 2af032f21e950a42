#include "lib/log/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <mutex>

#include "lib/text/append.h"
#include "lib/text/text.h"

namespace logging {
namespace {

enum class Place { standard_error, descriptor, syslog, journal };

struct State {
    std::mutex mutex;
    Settings settings;
    Place place = Place::standard_error;
    int descriptor = -1;
    int verbosity = 0;
    std::string tag = "malleposte";
    std::time_t stamp_second = -1;
    std::string stamp;
    bool buffered = false;
    std::string kept;  // lines of this turn
};

State& state() {
    static State the_state;
    return the_state;
}

struct FacilityName {
    std::string_view name;
    int value;
};
constexpr std::array<FacilityName, 12> kFacilities{{{"mail", LOG_MAIL}, {"daemon", LOG_DAEMON}, {"user", LOG_USER},
    {"auth", LOG_AUTH}, {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3},
    {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7}}};

int facility_value(std::string_view name) {
    for (const FacilityName& facility : kFacilities)
        if (facility.name == name)
            return facility.value;
    return LOG_MAIL;
}

constexpr int priority(Level level) {
    switch (level) {
    case Level::info: return LOG_INFO;
    case Level::warning: return LOG_WARNING;
    case Level::error: return LOG_ERR;
    case Level::fatal:
    case Level::panic: return LOG_CRIT;
    }
    return LOG_INFO;
}

constexpr std::string_view prefix(Level level) {
    switch (level) {
    case Level::info: return "";
    case Level::warning: return "warning: ";
    case Level::error: return "error: ";
    case Level::fatal: return "fatal: ";
    case Level::panic: return "panic: ";
    }
    return "";
}

// "Nov 22 01:05:09", made anew once a second; the caller holds the lock.
const std::string& time_stamp(State& s) {
    std::time_t now = std::time(nullptr);
    if (now != s.stamp_second) {
        std::tm local{};
        localtime_r(&now, &local);
        std::array<char, 32> buffer{};
        std::strftime(buffer.data(), buffer.size(), "%b %e %H:%M:%S", &local);
        s.stamp = buffer.data();
        s.stamp_second = now;
    }
    return s.stamp;
}

void write_all(int descriptor, std::string_view octets) {
    // One write per line: with O_APPEND lines of several processes never mix.
    while (!octets.empty()) {
        ssize_t count = ::write(descriptor, octets.data(), octets.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return;
        octets.remove_prefix(static_cast<std::size_t>(count));
    }
}

// The caller holds the lock.
void write_kept(State& s) {
    write_all(s.descriptor, s.kept);
    s.kept.clear();
}

constexpr std::size_t kMaxKept = 32768;

void write_standard_error(const State& s, std::string_view text) {
    write_all(STDERR_FILENO, fmt::format("{}: {}\n", s.tag, text));
}

// One datagram an entry, name=value in each line (systemd's "Native Journal Protocol"). libsystemd would look for the socket
// at each entry, and a jailed process could not reach it.
int connect_journal() {
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{AF_UNIX, "/run/systemd/journal/socket"};
    if (descriptor >= 0 && ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return descriptor;
    ::close(descriptor);
    return -1;
}

}  // namespace

namespace {

// A FIFO that nobody reads is an error here, not something to wait for; and one that is full loses lines, but holds up
// nobody.
int open_file(const std::string& path) {
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int descriptor = ::open(path.c_str(), kFlags, 0640);
    if (path != "/dev/stdout")
        return descriptor;
    if (descriptor < 0)
        return ::dup(STDOUT_FILENO);         // a socket or pipe that cannot be opened by name
    ::fcntl(descriptor, F_SETFL, O_APPEND);  // whoever started us reads it
    return descriptor;
}

void use_syslog(State& s) {
    s.place = Place::syslog;
    // The connection is made now: a jailed process could not reach /dev/log later.
    ::openlog(s.tag.c_str(), LOG_PID | LOG_NDELAY, facility_value(s.settings.facility));
}

}  // namespace

std::string open(const Settings& settings) {
    State& s = state();
    std::lock_guard lock(s.mutex);
    s.settings = settings;
    s.tag = settings.service.empty() ? settings.syslog_name : settings.syslog_name + "/" + settings.service;
    if (settings.file.empty()) {
        use_syslog(s);
        return "";
    }
    if (settings.file == "journal") {
        s.place = Place::journal;
        s.descriptor = connect_journal();
        return "";
    }
    int descriptor = open_file(settings.file);
    if (descriptor < 0)
        return fmt::format("cannot open the log file {}: {}", settings.file, std::strerror(errno));
    if (s.descriptor >= 0)
        ::close(s.descriptor);
    s.descriptor = descriptor;
    s.place = Place::descriptor;
    return "";
}

std::string open_for_service(const Settings& settings) {
    const std::string reason = open(settings);
    if (reason.empty())
        return reason;
    {
        State& s = state();
        std::lock_guard lock(s.mutex);
        use_syslog(s);
        s.settings.also_stderr = true;
    }
    warning("maillog_file: {}; until that is mended the log goes to syslog", reason);
    return reason;
}

void set_verbosity(int level) { state().verbosity = level; }
int verbosity() { return state().verbosity; }

void line(Level level, std::string_view text) {
    State& s = state();
    std::string message(prefix(level));
    message += text;
    text::make_printable(message);
    std::lock_guard lock(s.mutex);
    switch (s.place) {
    case Place::standard_error: write_standard_error(s, message); return;
    case Place::descriptor:
        text::append(s.kept, "{} {} {}[{}]: {}\n", time_stamp(s), s.settings.host, s.tag, ::getpid(), message);
        if (!s.buffered || level == Level::fatal || level == Level::panic || s.kept.size() > kMaxKept)
            write_kept(s);
        break;
    case Place::syslog: ::syslog(priority(level), "%s", message.c_str()); break;
    case Place::journal:
        write_all(s.descriptor, fmt::format("MESSAGE={}\nPRIORITY={}\nSYSLOG_IDENTIFIER={}\nSYSLOG_PID={}\n", message,
                                    priority(level), s.tag, ::getpid()));
        break;
    }
    if (s.settings.also_stderr && level != Level::info)
        write_standard_error(s, message);
}

void set_buffered(bool buffered) {
    State& s = state();
    {
        std::lock_guard lock(s.mutex);
        s.buffered = buffered;
    }
    // A child shares the file, not what its parent has still to write there.
    static const int registered = ::pthread_atfork(nullptr, nullptr, [] {
        state().kept.clear();
        state().buffered = false;
    });
    (void)registered;
    if (!buffered)
        flush();
}

void flush() {
    State& s = state();
    std::lock_guard lock(s.mutex);
    if (!s.kept.empty())
        write_kept(s);
}

void exit_fatal(std::string_view text) {
    line(Level::fatal, text);
    std::_Exit(1);
}

void abort_panic(std::string_view text) {
    line(Level::panic, text);
    std::abort();
}

}  // namespace logging
