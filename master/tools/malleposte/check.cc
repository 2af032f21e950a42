// check: what is wrong with the configuration, and what would refuse mail, loop or relay because of it.
#include <sysexits.h>
#include <unistd.h>

#include <set>

#include "lib/address/recipients.h"
#include "lib/config/check.h"
#include "lib/config/master_cf.h"
#include "lib/config/place.h"
#include "master/supervisor.h"
#include "master/tools/all_params/all_params.h"
#include "master/tools/malleposte/commands.h"

namespace malleposte {
namespace {

void print(const config::Problem& problem, const char* kind) { say(kind + config::format_problem(problem)); }

// Every program's parameters: a mistyped value is told now, not in a log when that program starts. What several
// programs read is told once.
config::Problems check_values(config::MainCf& cf) {
    config::Problems problems;
    std::set<std::string> told;
    for (const all_params::ProgramParams& program : all_params::make_all())
        for (config::Problem& problem : program.set->load(cf))
            if (told.insert(problem.parameter + problem.text).second)
                problems.push_back(std::move(problem));
    return problems;
}

config::NameSet declared_names() {
    std::vector<all_params::ProgramParams> programs = all_params::make_all();
    return all_params::names(all_params::declarations(programs));
}

// Tables, lists and classes: opened as smtpd and qmgr would open them.
void check_addresses(const Configuration& configuration, int& count) {
    address::Resolver resolver(configuration.params, config::own_addresses(configuration.main_cf));
    address::VirtualAliases aliases(configuration.params, resolver);
    address::Recipients recipients(configuration.params, resolver, aliases);
    for (const auto& problems : {resolver.problems(), recipients.problems()})
        for (const std::string& problem : problems) {
            say("warning: " + problem);
            ++count;
        }
}

void check_programs(const Configuration& configuration, const config::MasterCf& table, int& count) {
    for (const config::Service& row : table.services()) {
        std::string program = configuration.params.daemon_directory() + "/" + row.command;
        if (master::is_inside_another(row.command) || ::access(program.c_str(), X_OK) == 0)
            continue;
        say("warning: " + row.file + ", line " + std::to_string(row.line) + ": there is no program " + program +
            "; the service " + row.name + " is not started");
        ++count;
    }
}

}  // namespace

void load_configuration(const Invocation& call, Configuration& configuration, bool print_problems) {
    configuration.main_cf = config::MainCf::load(call.config_directory);
    config::Problems problems = configuration.main_cf.problems();
    for (const config::Problem& problem : check_values(configuration.main_cf))
        problems.push_back(problem);
    configuration.params.load(configuration.main_cf);
    config::MasterCf table = config::MasterCf::load(call.config_directory);
    problems.insert(problems.end(), table.problems().begin(), table.problems().end());
    config::NameCheck names = config::check_names(configuration.main_cf, table, declared_names());
    problems.insert(problems.end(), names.unknown.begin(), names.unknown.end());
    for (const config::Problem& problem : problems) {
        configuration.unsafe = configuration.unsafe || problem.unsafe;
        if (print_problems)
            print(problem, problem.unsafe ? "fatal: " : "warning: ");
    }
}

int check(const Invocation& call) {
    Configuration configuration;
    load_configuration(call, configuration, true);
    config::MasterCf table = config::MasterCf::load(call.config_directory);
    config::NameCheck names = config::check_names(configuration.main_cf, table, declared_names());
    int count = static_cast<int>(names.unknown.size() + configuration.main_cf.problems().size() + table.problems().size());
    for (const config::Problem& problem : names.no_effect)
        print(problem, "note: ");
    check_programs(configuration, table, count);
    check_addresses(configuration, count);
    if (configuration.unsafe)
        return EX_CONFIG;
    return count == 0 ? 0 : 1;
}

}  // namespace malleposte
