// postmap(1) - makes, changes and asks lookup tables.
#include "master/tools/postmap/map_command.h"

int main(int argc, char** argv) {
    const std::string usage = "usage: postmap [-bfFhinNoprsvw] [-c config_dir] [-d key] [-q key] [map_type:]file...";
    command::begin(argc, argv, usage);
    postmap::Request request = postmap::parse_options(argc, argv, "bc:d:fFhinNopq:rsvw", usage);
    if (request.tables.empty())
        command::wrong_usage(usage);
    if ((request.headers || request.body) && request.query != "-")
        command::wrong_usage("specify -b and -h with -q - only");
    return postmap::run(request);
}
