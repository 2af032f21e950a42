// postmap(1) - makes, changes and asks lookup tables.
#include "master/tools/postmap/map_command.h"

int main(int argc, char** argv) {
    command::set_name(argv[0]);
    const std::string usage = "postmap [-bfFhinNoprsvw] [-c config_dir] [-d key] [-q key] [map_type:]file...";
    postmap::Request request = postmap::parse_options(argc, argv, "bc:d:fFhinNopq:rsvw", usage);
    if (request.tables.empty())
        command::fatal("usage: " + usage);
    if ((request.headers || request.body) && request.query != "-")
        command::fatal("specify -b and -h with -q - only");
    return postmap::run(request);
}
