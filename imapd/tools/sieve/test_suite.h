// imapd/tools/sieve/test_suite.h - test scripts: the vnd.dovecot.testsuite extension.
//
// A test script is an ordinary script with sections `test "name" { ... }` and commands that set the message, run other
// scripts, perform their actions on a mail store and an outbox in memory, and look at what came of it. A section passes if
// it ends without test_fail and without a runtime error.
//
// Failure     results are printed as they come; failed() says how many.
// Trust       test scripts are ours or the administrator's; they are held to the limits of every script all the same.
#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "imapd/tools/sieve/desk_host.h"
#include "imapd/tools/sieve/test_settings.h"
#include "lib/sieve/foreign.h"
#include "lib/sieve/machine.h"
#include "lib/sieve/program.h"
#include "lib/sieve/script.h"
#include "lib/sieve/vacation.h"

namespace sievec {

class TestSuite final : public sieve::ForeignCommands {
  public:
    explicit TestSuite(std::filesystem::path file);

    void run();
    std::size_t passed() const { return passed_; }
    std::size_t failed() const { return failed_; }

    std::string_view capability() const override { return "vnd.dovecot.testsuite"; }
    std::string_view variables() const override { return "tst"; }
    const std::vector<sieve::ForeignDefinition>& definitions() const override;
    sieve::ForeignResult run(const sieve::ForeignCall& call) const override;
    void section_ended(std::string_view error) const override;

  private:
    struct Stored {
        std::string content;
        std::vector<std::string> flags;
    };
    struct Sent {
        std::string from;
        std::string to;
        std::string content;
    };
    using Result = sieve::ForeignResult;
    using Call = sieve::ForeignCall;

    Result dispatch(const Call& call);
    Result set_value(const Call& call);
    Result config_command(const Call& call);
    Result choose_message(const Call& call);
    Result compile_script(const Call& call);
    Result run_script(const Call& call);
    Result run_scripts(const Call& call);
    Result execute_result(const Call& call);
    Result look_at_action(const Call& call);
    Result look_at_error(const Call& call);
    Result binary(const Call& call);

    bool compile_file(const std::string& name);
    void use_message(sieve::Machine& machine, std::string content, std::vector<std::string> flags);
    void derive_envelope(const sieve::Message& message);
    void take_outcome(sieve::Outcome outcome, bool append);
    bool perform(const std::vector<sieve::Action>& actions);
    bool perform_one(const sieve::Action& action, std::vector<std::string>& notified);
    bool store(const sieve::Action& action);
    void send(const sieve::Outgoing& message);
    void copy_to(const sieve::FileCopy& copy, const std::string& content);
    std::vector<sieve::Action> current_actions(const Call& call) const;
    void pass();
    void fail(const std::string& why);
    void apply_config();
    Result trouble(std::string why) const;

    std::filesystem::path file_;
    std::filesystem::path folder_;
    DirectoryLoader loader_;
    DeskHost host_;
    TestConfig config_;
    sieve::Settings settings_;
    std::deque<std::string> contents_;  // messages stay: programs and actions view them
    std::deque<sieve::Message> messages_;
    const sieve::Message* message_ = nullptr;

    std::map<std::string, std::vector<Stored>> mailboxes_;
    std::vector<Sent> outbox_;
    std::shared_ptr<const sieve::Program> program_;
    std::map<std::string, std::string> binaries_;
    std::vector<std::string> errors_;  // of the last compilation, run or execution
    bool has_run_ = false;             // actions_ come from a script, not from the test script itself
    std::vector<sieve::Action> actions_;
    std::size_t performed_ = 0;  // of actions_
    std::size_t sequence_ = 0;

    std::string test_;  // name of the open section; empty between sections
    std::string why_;   // what it failed for
    std::size_t passed_ = 0;
    std::size_t failed_ = 0;
};

}  // namespace sievec
