// postconf(1) - shows and changes the configuration.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "lib/command/command.h"
#include "lib/dict/table.h"
#include "master/tools/postconf/edit.h"
#include "master/tools/postconf/main_listing.h"
#include "master/tools/postconf/master_listing.h"

namespace {

constexpr const char* kUsage =
    "usage: postconf [-dfhHnopx] [-c config_dir] [parameter...]\n"
    "       postconf [-MFP] [-f] [-c config_dir] [service...]\n"
    "       postconf [-MP] [-e|-#|-X] [-c config_dir] ...\n"
    "       postconf -m";

struct Options {
    postconf::MainRequest main;
    std::string directory;
    bool directory_given = false;
    bool edit = false, comment_out = false, remove = false;
    bool services = false, fields = false, service_parameters = false, types = false;
    std::vector<std::string> overrides;
    std::vector<std::string> arguments;
};

Options parse_options(int argc, char** argv) {
    Options options;
    for (int option = 0; (option = ::getopt(argc, argv, "c:deFfhHMmno:pPxX#")) != -1;) {
        switch (option) {
        case 'c':
            options.directory = optarg;
            options.directory_given = true;
            break;
        case 'd': options.main.which = postconf::MainRequest::Which::defaults; break;
        case 'e': options.edit = true; break;
        case 'F': options.fields = true; break;
        case 'f': options.main.layout.fold = true; break;
        case 'h': options.main.layout.names = false; break;
        case 'H': options.main.layout.values = false; break;
        case 'M': options.services = true; break;
        case 'm': options.types = true; break;
        case 'n': options.main.which = postconf::MainRequest::Which::explicit_only; break;
        case 'o': options.overrides.emplace_back(optarg); break;
        case 'p': break;  // main.cf, which is what is shown anyway
        case 'P': options.service_parameters = true; break;
        case 'x': options.main.expand = true; break;
        case 'X': options.remove = true; break;
        case '#': options.comment_out = true; break;
        default: command::wrong_usage(kUsage);
        }
    }
    options.arguments.assign(argv + optind, argv + argc);
    if (options.edit + options.remove + options.comment_out > 1)
        command::wrong_usage("specify one of -e, -X and -#");
    if (options.services + options.fields + options.service_parameters + options.types > 1)
        command::wrong_usage("specify one of -F, -M, -m and -P");
    // "postconf name=value" edits without being told to.
    if (!options.edit && !options.remove && !options.comment_out)
        options.edit = std::ranges::any_of(
            options.arguments, [](const std::string& a) { return a.find('=') != std::string::npos; });
    if (!options.directory_given)
        options.directory = config::default_directory();
    return options;
}

int edit(const Options& options) {
    postconf::Edit kind = options.edit          ? postconf::Edit::set
                          : options.comment_out ? postconf::Edit::comment_out
                                                : postconf::Edit::remove;
    if (options.arguments.empty())
        command::wrong_usage("-e, -X and -# need something to work on");
    if (options.services) {
        postconf::edit_services(options.directory, kind, options.arguments);
    } else if (options.fields) {
        if (kind != postconf::Edit::set)
            command::wrong_usage("-F works with -e only");
        postconf::edit_fields(options.directory, options.arguments);
    } else if (options.service_parameters) {
        if (kind == postconf::Edit::comment_out)
            command::wrong_usage("-P works with -e and -X only");
        postconf::edit_service_parameters(options.directory, kind, options.arguments);
    } else {
        postconf::edit_main(options.directory, kind, options.arguments);
    }
    return 0;
}

config::MasterCf load_master_cf(const std::string& directory, bool needed) {
    config::MasterCf cf = config::MasterCf::load(directory);
    for (const config::Problem& problem : cf.problems()) {
        if (needed)
            command::fatal(config::format_problem(problem));
        command::warn(config::format_problem(problem));
    }
    return cf;
}

int show(Options& options) {
    bool about_master = options.services || options.fields || options.service_parameters;
    auto programs = all_params::make_all();
    all_params::Declarations declared = all_params::declarations(programs);
    bool only_defaults = options.main.which == postconf::MainRequest::Which::defaults;
    config::MainCf cf;
    config::MasterCf master_cf;
    if (!only_defaults) {
        cf = command::load_main_cf(options.directory, true);
        master_cf = load_master_cf(options.directory, about_master);
    }
    all_params::declare_defaults(declared, cf);
    for (const std::string& text : options.overrides) {
        auto pair = config::split_name_value(text);
        if (!pair)
            command::fatal(pair.error());
        cf.set(pair->name, pair->value);
    }
    if (!only_defaults)
        postconf::warn_about_unused(cf, master_cf, declared);
    if (options.services)
        return postconf::list_services(master_cf, options.arguments, options.main.layout.fold);
    if (options.fields)
        return postconf::list_fields(master_cf, options.arguments, options.main.layout);
    if (options.service_parameters)
        return postconf::list_service_parameters(master_cf, options.arguments, options.main.layout);
    options.main.names = options.arguments;
    return postconf::list_main(cf, master_cf, declared, options.main);
}

}  // namespace

int main(int argc, char** argv) {
    command::begin(argc, argv, kUsage);
    Options options = parse_options(argc, argv);
    if (options.types) {
        for (const std::string& type : dict::table_types())
            fmt::print("{}\n", type);
        return 0;
    }
    if (options.edit || options.remove || options.comment_out)
        return edit(options);
    return show(options);
}
