// smtpd/tools/mailauth/subcommand.h - what the subcommands of mailauth share: their options, their resolver, their report.
//
//     event::Task<int> run_spf(Invocation& call) {
//         ...
//         call.report.add("spf", "pass").detail("reason", "...");
//         co_return 0;
//     }
//
// A subcommand is one file with one such function, and one row of the table in subcommands.cc. It returns 0 where the
// evaluation ran; a report that holds a temporary failure then makes the exit status 75.
//
// Failure     what is wrong with the command line is UsageError (exit 64), with a file FileError (exit 66).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/dns/resolver.h"
#include "lib/dns/shared_resolver.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"

namespace mailauth {

struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct FileError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What goes to the standard output: first one "method=result" a line, then the details, then header fields.
class Report {
  public:
    class Finding {
      public:
        Finding(std::string method, std::string result) : method_(std::move(method)), result_(std::move(result)) {}
        // Left out where the value is empty.
        Finding& detail(std::string name, std::string value);

      private:
        friend class Report;
        std::string method_, result_;
        std::vector<std::pair<std::string, std::string>> details_;
    };
    // The finding stays where it is until the next add().
    Finding& add(std::string method, std::string result);
    // A header field that belongs on top of the message.
    void header(std::string name, std::string value);
    // A line of text for people or files: a DNS record to publish, a remark.
    void text(std::string line);
    bool has_temporary_failure() const;
    std::string format(bool json) const;

  private:
    std::vector<Finding> findings_;
    std::vector<std::pair<std::string, std::string>> headers_;
    std::vector<std::string> lines_;
};

// JSON's form of a string, quotes included; octets that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

struct Invocation {
    explicit Invocation(event::Loop& the_loop) : loop(the_loop), asker_(the_loop) {}

    event::Loop& loop;
    std::string config_directory;  // -c
    bool config_was_named = false;
    std::string dns_file;  // --dns
    std::int64_t now = 0;  // --time, or the clock; seconds since 1970
    bool json = false;
    std::multimap<std::string, std::string> options;  // without the dashes
    std::vector<std::string> arguments;               // behind the options
    Report report;

    bool has(const std::string& option) const { return options.contains(option); }
    std::string get(const std::string& option, const std::string& otherwise = "") const;
    std::vector<std::string> all(const std::string& option) const;  // in the order of the command line

    config::MainCf& main_cf();
    // That of --dns, or the DNS as main.cf has it.
    dns::Resolver& resolver();

  private:
    std::unique_ptr<config::MainCf> main_cf_;
    question::Asker asker_;
    std::unique_ptr<dns::SharedResolver> shared_;
    std::unique_ptr<dns::Resolver> resolver_;
};

struct Option {
    const char* name;   // without the dashes
    const char* value;  // what the usage line calls it; nullptr where there is none
    bool required = false;
};

struct Subcommand {
    const char* name;
    std::vector<Option> options;  // besides --dns, --time, --json, which every subcommand takes
    const char* arguments;        // for the usage line: "FILE..."
    std::size_t least, most;      // how many arguments
    event::Task<int> (*run)(Invocation& call);
    const char* input = "";  // "< message"
};
const std::vector<Subcommand>& subcommands();

std::string usage_of(const Subcommand& subcommand);
// "usage: ..." of one, or of all where there is none.
std::string usage(const Subcommand* one);
// Fills the invocation from the words behind the subcommand's name.
void parse_arguments(const Subcommand& subcommand, const std::vector<std::string>& words, Invocation& call);
// Seconds since 1970, or 2026-11-22T01:02:03Z.
std::optional<std::int64_t> parse_time(std::string_view text);
// Everything that a file holds; "-" is the standard input.
std::string read_file(const std::string& path);

// Reads the command line, runs, prints; the exit status.
int run(const std::vector<std::string>& words);

}  // namespace mailauth
