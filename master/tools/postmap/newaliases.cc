// newaliases(1) - makes every table of alias_database anew.
#include <unistd.h>

#include "lib/command/command.h"
#include "lib/config/common_params.h"
#include "master/tools/postmap/map_build.h"

int main(int argc, char** argv) {
    constexpr std::string_view kUsage = "usage: newaliases [-c config_dir]";
    command::begin(argc, argv, kUsage);
    std::string directory = config::default_directory();
    bool given = false;
    for (int option = 0; (option = ::getopt(argc, argv, "C:c:")) != -1;) {
        if (option == '?')
            command::wrong_usage(kUsage);
        directory = optarg;
        given = true;
    }
    if (optind != argc)
        command::wrong_usage(kUsage);
    config::CommonParams params;
    config::MainCf cf = command::load_main_cf(directory, given);
    for (const config::Problem& problem : params.load(cf))
        command::warn(config::format_problem(problem));
    postmap::BuildOptions options;
    options.aliases = true;
    options.default_type = params.default_database_type();
    for (const std::string& table : params.alias_database())
        postmap::build(table, options);
    return 0;
}
