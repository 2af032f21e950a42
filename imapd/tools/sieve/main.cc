// sievec(1) - compiles, runs and tests Sieve scripts at the desk.
//
//     sievec [-g DIR] [-o FILE] SCRIPT...                          compile: mistakes as file:line:column: text
//     sievec --run [--from A] [--to B] [--trace] SCRIPT < message  what the script would do, an action a line
//     sievec --testsuite FILE.svtest...                            run test scripts
//
// Security    nothing is delivered, sent or written but FILE; scripts are held to the limits that delivery has.
// Standards   RFC 5228 and the extensions of lib/sieve
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "imapd/tools/sieve/desk_host.h"
#include "imapd/tools/sieve/test_suite.h"
#include "lib/command/command.h"
#include "lib/sieve/interpreter.h"
#include "lib/sieve/parsed_message.h"
#include "lib/sieve/program.h"
#include "lib/sieve/script.h"
#include "lib/text/text.h"

namespace {

constexpr std::string_view kUsage =
    "usage: sievec [-g global_dir] [-o compiled] SCRIPT...\n"
    "       sievec --run [-g global_dir] [--from ADDRESS] [--to ADDRESS] [--trace] SCRIPT < MESSAGE\n"
    "       sievec --testsuite FILE.svtest...\n"
    "       sievec --capabilities";
constexpr int kUsageError = 64;
constexpr int kNoInput = 66;

struct Options {
    enum class Mode { compile, run, testsuite, capabilities } mode = Mode::compile;
    bool trace = false;
    std::string from;
    std::string to;
    std::string global_folder;
    std::string output;
    std::vector<std::string> files;
};

Options parse_options(int argc, char** argv) {
    Options options;
    auto value = [&](int& i) -> std::string {
        if (i + 1 >= argc)
            command::fatal(fmt::format("{} needs a value\n{}", argv[i], kUsage), kUsageError);
        return argv[++i];
    };
    bool only_files = false;
    for (int i = 1; i < argc; ++i) {
        std::string_view argument = argv[i];
        if (only_files || !argument.starts_with('-') || argument == "-")
            options.files.emplace_back(argument);
        else if (argument == "--")
            only_files = true;
        else if (argument == "--run")
            options.mode = Options::Mode::run;
        else if (argument == "--testsuite")
            options.mode = Options::Mode::testsuite;
        else if (argument == "--capabilities")
            options.mode = Options::Mode::capabilities;
        else if (argument == "--trace")
            options.trace = true;
        else if (argument == "--from")
            options.from = value(i);
        else if (argument == "--to")
            options.to = value(i);
        else if (argument == "-g")
            options.global_folder = value(i);
        else if (argument == "-o")
            options.output = value(i);
        else
            command::fatal(fmt::format("there is no option {}\n{}", argument, kUsage), kUsageError);
    }
    return options;
}

// Null after the mistakes have been shown.
std::shared_ptr<const sieve::Program> compile_file(const std::string& file, const Options& options) {
    std::optional<std::string> text = sievec::read_file(file);
    if (!text)
        command::fatal(fmt::format("{}: cannot be read", file), kNoInput);
    std::filesystem::path folder = std::filesystem::path(file).parent_path();
    sievec::DirectoryLoader loader(
        folder, options.global_folder.empty() ? folder : std::filesystem::path(options.global_folder));
    sieve::CompileOptions compile_options;
    compile_options.name = file;
    compile_options.loader = &loader;
    sieve::Compiled compiled = sieve::compile(*text, compile_options);
    for (const sieve::Problem& problem : compiled.problems)
        std::cerr << sieve::format_problem(problem) << '\n';
    return compiled.program;
}

int compile_files(const Options& options) {
    int status = EXIT_SUCCESS;
    for (const std::string& file : options.files) {
        std::shared_ptr<const sieve::Program> program = compile_file(file, options);
        if (program == nullptr) {
            status = EXIT_FAILURE;
            continue;
        }
        if (options.output.empty())
            continue;
        std::ofstream out(options.output, std::ios::binary | std::ios::trunc);
        out << program->encode();
        out.close();
        if (!out)
            command::fatal(fmt::format("{}: cannot be written", options.output));
    }
    return status;
}

std::string first_address(const sieve::Message& message, std::initializer_list<std::string_view> names) {
    sieve::HeaderIndex& header = message.parsed().part_header(0);
    for (std::string_view name : names) {
        std::vector<sieve::HeaderIndex::Field*> fields;
        header.find(name, fields);
        for (sieve::HeaderIndex::Field* field : fields)
            for (const message::Address& address : sieve::HeaderIndex::addresses(*field))
                if (!address.mailbox.empty() && !address.host.empty())
                    return address.mailbox + "@" + address.host;
    }
    return "";
}

void show_trace(const std::vector<sieve::TraceStep>& trace) {
    using Kind = sieve::TraceStep::Kind;
    for (const sieve::TraceStep& step : trace) {
        std::string place = fmt::format("{}:{}", step.script, step.line);
        switch (step.kind) {
        case Kind::test:
            std::cout << fmt::format("{}: test {}: {}\n", place, step.text, step.result ? "true" : "false");
            break;
        case Kind::action: std::cout << fmt::format("{}: {}\n", place, step.text); break;
        case Kind::include: std::cout << fmt::format("{}: include {}\n", place, step.text); break;
        default: std::cout << fmt::format("{}: {}\n", place, step.text); break;
        }
    }
}

int run_script(const Options& options) {
    if (options.files.size() != 1)
        command::fatal(fmt::format("--run takes one script\n{}", kUsage), kUsageError);
    std::shared_ptr<const sieve::Program> program = compile_file(options.files.front(), options);
    if (program == nullptr)
        return EXIT_FAILURE;
    std::string content = command::read_standard_input();
    sieve::Message message(content);
    sievec::DeskHost host;
    host.envelope_.from = options.from.empty() ? first_address(message, {"Return-Path", "From"}) : options.from;
    host.envelope_.to = options.to.empty() ? first_address(message, {"Delivered-To", "X-Original-To", "To"}) : options.to;
    sieve::Settings settings;
    sieve::Interpreter interpreter(message, host, settings, {.trace = options.trace, .foreign = nullptr});
    sieve::Outcome outcome = interpreter.run(*program);
    show_trace(outcome.trace);
    for (const std::string& warning : outcome.warnings)
        std::cerr << "warning: " << text::printable(warning) << '\n';
    if (!outcome.error.empty())
        std::cerr << "error: " << text::printable(outcome.error) << '\n';
    for (const sieve::Action& action : outcome.actions)
        std::cout << sieve::format_action(action) << '\n';
    return outcome.status == sieve::Outcome::Status::done ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run_tests(const Options& options) {
    std::size_t passed = 0;
    std::size_t failed = 0;
    for (const std::string& file : options.files) {
        sievec::TestSuite suite(file);
        suite.run();
        passed += suite.passed();
        failed += suite.failed();
    }
    std::cout << fmt::format("{} passed, {} failed\n", passed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
    command::begin(argc, argv, kUsage);
    Options options = parse_options(argc, argv);
    if (options.mode == Options::Mode::capabilities) {
        for (std::string_view capability : sieve::capabilities())
            std::cout << capability << '\n';
        return EXIT_SUCCESS;
    }
    if (options.files.empty())
        command::fatal(fmt::format("which script?\n{}", kUsage), kUsageError);
    switch (options.mode) {
    case Options::Mode::run: return run_script(options);
    case Options::Mode::testsuite: return run_tests(options);
    default: return compile_files(options);
    }
}
