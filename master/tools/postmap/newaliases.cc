// newaliases(1) - makes every table of alias_database anew.
#include <unistd.h>

#include "lib/command/command.h"
#include "lib/config/common_params.h"
#include "master/tools/postmap/map_build.h"

int main(int argc, char** argv) {
    command::set_name(argv[0]);
    std::string directory = config::default_directory();
    bool given = false;
    for (int option = 0; (option = ::getopt(argc, argv, "C:c:")) != -1;) {
        if (option == '?')
            command::fatal("usage: newaliases [-c config_dir]");
        directory = optarg;
        given = true;
    }
    if (optind != argc)
        command::fatal("usage: newaliases [-c config_dir]");
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
