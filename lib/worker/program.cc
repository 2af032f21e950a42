// Starting up: options, configuration, log, jail. Serving clients is in serve.cc.
#include "lib/worker/program.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lib/log/log.h"
#include "lib/text/text.h"
#include "lib/worker/landlock.h"
#include "lib/worker/state.h"

namespace worker {

void Program::State::parse_options(int argc, char** argv) {
    config_directory = config::default_directory();
    std::vector<std::pair<std::string, std::string>> overrides;
    int verbosity = 0;
    int option = 0;
    while ((option = ::getopt(argc, argv, "+c:n:t:s:uro:v")) != -1) {
        switch (option) {
        case 'c': config_directory = optarg; break;
        case 'n': service = optarg; break;
        case 't': type = optarg; break;
        case 's': listeners = static_cast<int>(text::parse_number(optarg).value_or(0)); break;
        case 'u': unprivileged = true; break;
        case 'r': chroot = true; break;
        case 'v': ++verbosity; break;
        case 'o': {
            auto setting = config::split_name_value(optarg);
            if (!setting)
                logging::fatal("option -o {}: {}", optarg, setting.error());
            overrides.emplace_back(setting->name, setting->value);
            break;
        }
        default: logging::fatal("unknown option; master starts this program, not a person");
        }
    }
    arguments.assign(argv + optind, argv + argc);
    logging::set_verbosity(verbosity);
    main_cf = config::MainCf::load(config_directory);
    for (const auto& [parameter, value] : overrides)
        main_cf.set(parameter, value);
}

void Program::State::load_configuration() {
    main_cf.set("service_name", service);
    config::Problems problems = params->load(main_cf);
    problems.insert(problems.begin(), main_cf.problems().begin(), main_cf.problems().end());
    open_log();
    for (const config::Problem& problem : problems)
        logging::warning("{}", config::format_problem(problem));
    for (const config::Problem& problem : problems)
        if (problem.unsafe)
            logging::fatal("{}", config::format_problem(problem));
}

void Program::State::open_log() {
    logging::Settings settings;
    settings.syslog_name = params->syslog_name();
    // A service that goes by another name than its program shows both, as in postfix/submission/smtpd.
    bool renamed = service != name && service.find_first_of(":/[") == std::string::npos && service != "smtp" &&
                   !service.empty() && type == "inet";
    settings.service = renamed ? service + "/" + name : name;
    settings.facility = params->syslog_facility();
    settings.file = params->maillog_file();
    settings.host = params->myhostname().substr(0, params->myhostname().find('.'));
    logging::open_for_service(settings);  // mail goes on without a log
}

Program::Program(int argc, char** argv, std::string_view name, config::HostParams& params)
    : state_(std::make_unique<State>()) {
    ::umask(077);
    state_->name = name;
    state_->params = &params;
    state_->parse_options(argc, argv);
    if (state_->service.empty())
        state_->service = name;
    state_->load_configuration();
    if (::chdir(params.queue_directory().c_str()) != 0)
        logging::fatal("queue_directory: cannot enter {}: {}", params.queue_directory(), std::strerror(errno));
}

Program::Program(Program&&) noexcept = default;
Program::~Program() = default;

const std::string& Program::service() const { return state_->service; }
const std::string& Program::config_directory() const { return state_->config_directory; }
const std::vector<std::string>& Program::arguments() const { return state_->arguments; }
config::MainCf& Program::main_cf() { return state_->main_cf; }
event::Loop& Program::loop() { return state_->loop; }

void become_user(const std::string& user_name) {
    passwd* user = ::getpwnam(user_name.c_str());
    if (user == nullptr)
        logging::fatal("mail_owner: there is no user {}", user_name);
    if (::initgroups(user_name.c_str(), user->pw_gid) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0)
        logging::fatal("mail_owner: cannot become {}: {}", user_name, std::strerror(errno));
    if (::setuid(0) == 0)
        logging::panic("the rights of root could be had back");
}

namespace {

template <class T>
T value_or_fatal(std::expected<T, std::string> value) {
    if (!value)
        logging::fatal("{}", value.error());
    return std::move(*value);
}

// The folder becomes everything there is; or, without chroot, only where relative names begin.
void confine_to(const std::string& folder, bool chroot) {
    if (::chdir(folder.c_str()) != 0)
        logging::fatal("cannot enter {}: {}", folder, std::strerror(errno));
    if (chroot && (::chroot(".") != 0 || ::chdir("/") != 0))
        logging::fatal("cannot confine this process to {}: {}", folder, std::strerror(errno));
}

void become_owner(const Owner& owner, const std::string& name) {
    if (::setgroups(1, &owner.group) != 0 || ::setgid(owner.group) != 0 || ::setuid(owner.user) != 0)
        logging::fatal("cannot become {}: {}", name, std::strerror(errno));
}

}  // namespace

void Program::State::enter_jail(Sandbox sandbox) {
    SeccompFilter filter = value_or_fatal(SeccompFilter::compile(sandbox));
    peers = value_or_fatal(Peers::of(name, *params));
    const ProgramRow* row = find_program(name);
    const bool root = ::geteuid() == 0;
    // Users are looked up before the chroot, which has no /etc/passwd.
    const Identity identity = row == nullptr || row->identity == Identity::root ? Identity::queue : row->identity;
    const bool becomes = root && unprivileged;
    const Owner owner = becomes ? value_or_fatal(find_owner(*params, identity)) : Owner{};
    ::tzset();  // local times in the log, also without /etc/localtime
    const bool jailed = root && row != nullptr && row->jailed;
    const bool confined = root && chroot;
    if (jailed || confined)
        confine_to(jailed ? fmt::format("{}/{}", kJails, name) : ".", confined);
    if (becomes)
        become_owner(owner, owner_of(*params, identity)());
    if (sandbox == Sandbox::none)
        return;
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // no core file with keys or passwords in it, and no look through /proc
    if (auto applied = restrict_landlock(jailed && confined); !applied)
        logging::debug("this process runs without Landlock: {}", applied.error());
    if (auto applied = filter.apply(); !applied)
        logging::warning("this process runs without its system call filter: {}", applied.error());
}

Jailed Program::enter_jail(Sandbox sandbox) && {
    state_->enter_jail(sandbox);
    return Jailed(std::move(state_));
}

}  // namespace worker
