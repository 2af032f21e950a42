// postalias(1) - makes, changes and asks alias tables.
#include "master/tools/postmap/map_command.h"

int main(int argc, char** argv) {
    const std::string usage = "usage: postalias [-finNoprsvw] [-c config_dir] [-d key] [-q key] [map_type:]file...";
    command::begin(argc, argv, usage);
    postmap::Request request = postmap::parse_options(argc, argv, "c:d:finNopq:rsvw", usage);
    request.build.aliases = true;
    if (request.tables.empty())
        command::wrong_usage(usage);
    return postmap::run(request);
}
