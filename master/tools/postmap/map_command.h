// master/tools/postmap/map_command.h - the options that postmap(1) and postalias(1) have in common.
#pragma once

#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "lib/command/command.h"
#include "lib/config/common_params.h"
#include "lib/text/text.h"
#include "master/tools/postmap/map_build.h"
#include "master/tools/postmap/map_query.h"

namespace postmap {

struct Request {
    BuildOptions build;
    std::string directory;
    bool directory_given = false;
    bool incremental = false;
    bool print = false;
    bool headers = false;
    bool body = false;
    bool explain = false;
    std::optional<std::string> query;
    std::optional<std::string> remove;
    std::vector<std::string> tables;
};

inline Request parse_options(int argc, char** argv, const char* letters, const std::string& usage) {
    Request request;
    for (int option = 0; (option = ::getopt(argc, argv, letters)) != -1;) {
        switch (option) {
        case 'b': request.body = true; break;
        case 'c':
            request.directory = optarg;
            request.directory_given = true;
            break;
        case 'd': request.remove = optarg; break;
        case 'f': request.build.fold = false; break;
        case 'F': request.build.values_are_files = true; break;
        case 'h': request.headers = true; break;
        case 'i': request.incremental = true; break;
        case 'n': request.build.add_nul = false; break;
        case 'N': request.build.add_nul = true; break;
        case 'o': request.build.keep_rights = true; break;
        case 'p': request.build.inherit_read = false; break;
        case 'q': request.query = optarg; break;
        case 'r': request.build.duplicates = Duplicates::replace; break;
        case 's': request.print = true; break;
        case 'v': request.explain = true; break;
        case 'w': request.build.duplicates = Duplicates::ignore; break;
        default: command::wrong_usage(usage);
        }
    }
    if (int modes = request.query.has_value() + request.remove.has_value() + request.print + request.incremental; modes > 1)
        command::wrong_usage("specify only one of -d, -i, -q and -s");
    request.tables.assign(argv + optind, argv + argc);
    return request;
}

inline std::vector<std::string> keys_of(const std::string& argument) {
    if (argument != "-")
        return {argument};
    std::string input = command::read_standard_input();
    std::vector<std::string> keys;
    for (std::string_view line : text::split(input, "\r\n"))
        keys.emplace_back(line);
    return keys;
}

inline int run(Request& request) {
    config::HostParams params;
    config::MainCf cf = command::load_main_cf(
        request.directory_given ? request.directory : config::default_directory(), request.directory_given);
    for (const config::Problem& problem : params.load(cf))
        command::warn(config::format_problem(problem));
    request.build.default_type = params.default_database_type();
    QueryOptions query_options{
        request.build.fold, request.build.values_are_files, request.explain, request.build.default_type};
    if (request.query) {
        if (*request.query != "-")
            return query(request.tables, *request.query, query_options) ? 0 : 1;
        std::string input = command::read_standard_input();
        if (request.headers || request.body)
            return query_message(request.tables, input, request.headers, request.body, query_options) ? 0 : 1;
        return query_lines(request.tables, input, query_options) ? 0 : 1;
    }
    if (request.remove) {
        std::vector<std::string> keys = keys_of(*request.remove);
        bool found = false;
        for (const std::string& table : request.tables)
            found = delete_keys(table, keys, request.build) || found;
        return found ? 0 : 1;
    }
    std::string input = request.incremental ? command::read_standard_input() : "";
    for (const std::string& table : request.tables) {
        if (request.print)
            print_all(table, request.build);
        else if (request.incremental)
            add_entries(table, input, request.build);
        else
            build(table, request.build);
    }
    return 0;
}

}  // namespace postmap
