// lib/sieve/machine.h - the state of a run, for the files that make up the interpreter.
//
// tests_*.cc evaluate calls of tests, actions_*.cc those of commands. Whatever ends a run early is thrown as Stop, caught in
// Interpreter::run() or at the end of a foreign section.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "lib/sieve/code.h"
#include "lib/sieve/foreign.h"
#include "lib/sieve/interpreter.h"
#include "lib/sieve/parsed_message.h"
#include "lib/sieve/regex.h"

namespace sieve {

// A runtime error or an exceeded limit.
struct Stop {
    std::string why;
};

// Parts that a foreverypart goes through.
struct Loop {
    std::size_t part = 0;
    std::size_t end = 0;
};

class Interpreter::Machine {
  public:
    Machine(const Message& message, Host& host, const Settings& settings, RunOptions options);

    Outcome run(const Program& program);

    // Kept from one script of a sequence to the next.
    std::vector<std::string> flags;  // RFC 5232's internal variable
    bool flags_known = false;
    void forget_edits();
    void reset_results() {
        actions.clear();
        keep_cancelled = false;
    }
    void set_message(const Message& message);

    // For the tests and actions.
    const Message& message() const { return *message_; }
    Message::Parsed& parsed() const { return message_->parsed(); }
    Host& host() const { return host_; }
    const Settings& settings() const { return settings_; }
    const Limits& limits() const { return settings_.limits; }
    const ForeignCommands* foreign() const { return options_.foreign; }
    const Code& code() const { return *code_; }

    // The value of an argument text; good until the next instruction.
    std::string_view text(std::uint32_t id);
    std::string_view text(const Call& call, Slot slot, std::size_t index = 0);
    std::vector<std::string> strings(const Call& call, Slot slot);

    std::string* variable(std::string_view name);  // by name as in set; null if the script has no such
    void assign(const Call& call, Slot slot, std::string value);
    void set_match_values(const std::vector<std::string_view>& groups);
    void modify(std::string& value, std::uint32_t modifiers);

    HeaderIndex& header();  // of the message, as edited
    HeaderIndex& header_of(std::size_t part);
    std::shared_ptr<const std::string> edited_header();
    std::uint64_t size();  // of the message, as edited
    std::size_t current_part() const { return loops_.empty() ? 0 : loops_.back().part; }
    bool in_loop() const { return !loops_.empty(); }

    std::shared_ptr<const Regex> regex(std::string_view pattern, bool ignore_case);
    const std::string& folded_constant(std::uint32_t id, Comparator comparator);

    void charge(std::uint64_t instructions);
    void charge_memory(std::size_t octets);
    [[noreturn]] void fail(std::string why) const { throw Stop{std::move(why)}; }
    void warn(std::string text);

    bool tracing() const { return options_.trace; }
    void note(TraceStep::Kind kind, std::string text, bool result = false);
    std::string trace_detail;  // of the test that runs

    void add_action(Action action);
    // True if an action in the list is the same; it takes over what the new one says about flags.
    bool merge_action(const Action& fresh);
    Cause cause() const;
    std::vector<std::string> resolve_flags(const Call& call);
    // RFC 5232's internal variable; of a script that left it alone, what the message has already (RFC 6785).
    std::vector<std::string> current_flags() const { return flags_known ? flags : host_.message_flags(); }

    std::vector<Action> actions;
    bool keep_cancelled = false;
    std::set<std::string, std::less<>> seen_duplicates;  // ids asked for in this run
    std::map<std::string, bool, std::less<>> duplicate_answers;

  private:
    struct Frame {
        std::uint32_t unit = 0;
        std::size_t next = 0;  // where to go on
        std::vector<std::string> locals;
        std::size_t loops = 0;
    };
    struct Section {
        std::size_t behind = 0;
        std::size_t frames = 0;
        std::size_t loops = 0;
    };

    void execute();
    bool step();  // false: the program has ended
    bool leave_script();
    void begin_loop(const Instruction& at);
    void enter(const Instruction& at);
    void leave_section(std::string_view error);
    bool test(const Call& call);
    void act(const Call& call);
    Outcome finish(Outcome outcome);
    void fall_back(Outcome& outcome) const;

    const Message* message_;
    Host& host_;
    const Settings& settings_;
    RunOptions options_;
    const Code* code_ = nullptr;
    std::size_t next_ = 0;
    bool flag_ = false;
    std::vector<Frame> frames_;
    std::vector<Loop> loops_;
    std::vector<Section> sections_;
    std::vector<std::string> globals_;
    std::vector<std::string> match_values_;
    std::set<std::uint32_t> entered_;
    std::deque<std::string> scratch_;  // texts made from templates, for one instruction
    std::unique_ptr<HeaderIndex> header_;
    std::shared_ptr<const std::string> header_text_;
    std::map<std::pair<std::string, bool>, std::shared_ptr<const Regex>, std::less<>> regexes_;
    std::map<std::pair<std::uint32_t, Comparator>, std::string> folded_;
    std::uint64_t instructions_ = 0;
    std::size_t memory_ = 0;
    std::chrono::steady_clock::time_point begin_;
    std::uint64_t next_clock_ = 0;
    std::uint32_t line_ = 0;
    std::uint32_t test_line_ = 0;
    const Call* last_true_ = nullptr;
    std::vector<std::string> warnings_;
    std::vector<TraceStep> trace_;
};

using Machine = Interpreter::Machine;

// Compares the values a test finds with its keys.
class Matcher {
  public:
    Matcher(Machine& machine, const Call& call, Slot keys);

    // True as soon as one value matches: the test need not look further.
    bool offer(std::string_view value);
    // Result when all values have been offered.
    bool finish();
    // Keys other than the call's texts (flags are split at blanks).
    void use_keys(std::vector<std::string> keys);

  private:
    bool matches_key(std::string_view value, std::size_t key);
    bool contains(std::string_view value, std::size_t key);
    void remember(const std::vector<std::string_view>& groups);
    std::string_view key(std::size_t index);
    const std::string& folded_key(std::size_t index);
    bool found(std::string_view value, std::string_view key);

    Machine& machine_;
    const Call& call_;
    MatchType type_;
    Comparator comparator_;
    Relation relation_;
    std::span<const std::uint32_t> texts_;
    std::vector<std::string> own_keys_;
    std::vector<std::string> folded_keys_;
    std::vector<bool> is_folded_;
    std::string scratch_;
    std::size_t offered_ = 0;
    bool result_ = false;
};

// tests_*.cc
bool test_address(Machine& machine, const Call& call);
bool test_envelope(Machine& machine, const Call& call);
bool test_header(Machine& machine, const Call& call);
bool test_exists(Machine& machine, const Call& call);
bool test_size(Machine& machine, const Call& call);
bool test_body(Machine& machine, const Call& call);
bool test_date(Machine& machine, const Call& call);
bool test_currentdate(Machine& machine, const Call& call);
bool test_hasflag(Machine& machine, const Call& call);
bool test_string(Machine& machine, const Call& call);
bool test_mailboxes(Machine& machine, const Call& call);
bool test_metadata(Machine& machine, const Call& call);
bool test_environment(Machine& machine, const Call& call);
bool test_duplicate(Machine& machine, const Call& call);
bool test_lists(Machine& machine, const Call& call);
bool test_notify(Machine& machine, const Call& call);
bool test_verdict(Machine& machine, const Call& call);
bool test_foreign(Machine& machine, const Call& call);

// actions_*.cc
void act_keep(Machine& machine, const Call& call);
void act_fileinto(Machine& machine, const Call& call);
void act_redirect(Machine& machine, const Call& call);
void act_discard(Machine& machine, const Call& call);
void act_reject(Machine& machine, const Call& call);
void act_vacation(Machine& machine, const Call& call);
void act_notify(Machine& machine, const Call& call);
void act_report(Machine& machine, const Call& call);
void act_set(Machine& machine, const Call& call);
void act_flags(Machine& machine, const Call& call);
void act_edit_header(Machine& machine, const Call& call);
void act_extracttext(Machine& machine, const Call& call);

// Flags of strings that hold several, separated by blanks; each once, in order.
std::vector<std::string> split_flags(const std::vector<std::string>& strings);

// A full list name for what RFC 6134, 2.3 lets scripts write shorter.
std::string external_list_name(std::string_view name);

// Parts that a test with :mime and :anychild looks at.
std::vector<std::size_t> parts_of_test(Machine& machine, const Call& call);

// Fields of all the names in turn, :index and :last applied to the whole.
std::vector<HeaderIndex::Field*> fields_of_test(Machine& machine, const Call& call, Slot names);

// For traces and causes: `header :contains "subject" "x"`.
std::string describe_call(const Machine& machine, const Call& call);

}  // namespace sieve
