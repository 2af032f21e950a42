#include "imapd/tools/sieve/test_suite.h"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "lib/sieve/checks.h"
#include "lib/sieve/notify.h"
#include "lib/text/text.h"

namespace sievec {

using sieve::Action;
using sieve::ForeignDefinition;
using sieve::Outcome;

namespace {

const std::vector<ForeignDefinition>& table() {
    using Use = ForeignDefinition::Use;
    static const std::vector<ForeignDefinition> rows = {
        {"test", Use::command, true, false, {}, "s"},
        {"test_fail", Use::command, false, false, {}, "s"},
        {"test_set", Use::command, false, false, {}, "ss"},
        {"test_message", Use::either, false, false, {{"folder", 's'}, {"smtp", 0}}, "n"},
        {"test_mailbox_create", Use::command, false, false, {}, "s"},
        {"test_imap_metadata_set", Use::command, false, false, {{"mailbox", 's'}}, "ss"},
        {"test_config_set", Use::command, false, false, {}, "ss"},
        {"test_config_unset", Use::command, false, false, {}, "s"},
        {"test_config_reload", Use::command, false, false, {{"extension", 's'}}, ""},
        {"test_result_reset", Use::command, false, false, {}, ""},
        {"test_result_print", Use::command, false, false, {}, ""},
        {"test_binary_save", Use::command, false, false, {}, "s"},
        {"test_binary_load", Use::command, false, false, {}, "s"},
        {"test_script_compile", Use::test, false, false, {}, "s"},
        {"test_script_run", Use::test, false, false, {{"append_result", 0}}, ""},
        {"test_multiscript", Use::test, false, false, {}, "l"},
        {"test_result_execute", Use::test, false, false, {}, ""},
        {"test_result_action", Use::test, false, true, {{"index", 'n'}}, "l"},
        {"test_error", Use::test, false, true, {{"index", 'n'}}, "l"},
    };
    return rows;
}

const std::string& first(const sieve::ForeignCall& call) { return call.arguments.at(0).at(0); }

}  // namespace

TestSuite::TestSuite(std::filesystem::path file)
    : file_(std::move(file)), folder_(file_.parent_path()), loader_(folder_ / "included", folder_ / "included-global") {
    host_.test_folder = folder_.string();
    mailboxes_["INBOX"];
    contents_.emplace_back("\r\n");
    messages_.emplace_back(contents_.back());
    message_ = &messages_.back();
    host_.envelope_ = {"sender@example.test", "recipient@example.test", "", ""};
    apply_config();
}

const std::vector<ForeignDefinition>& TestSuite::definitions() const { return table(); }

void TestSuite::apply_config() {
    settings_ = settings_of(config_);
    host_.lists = lists_of(config_);
}

void TestSuite::pass() {
    ++passed_;
    std::cout << fmt::format("{}: {}: ok\n", file_.string(), test_);
}

void TestSuite::fail(const std::string& why) {
    ++failed_;
    std::string place = test_.empty() ? file_.string() : fmt::format("{}: {}", file_.string(), test_);
    std::cout << fmt::format("{}: FAILED: {}\n", place, text::printable(sieve::on_one_line(why)));
}

void TestSuite::run() {
    std::optional<std::string> text = read_file(file_);
    if (!text) {
        fail("the file cannot be read");
        return;
    }
    sieve::CompileOptions options;
    options.name = file_.string();
    options.settings = settings_;
    options.loader = &loader_;
    options.foreign = this;
    sieve::Compiled compiled = sieve::compile(*text, options);
    if (!compiled.ok()) {
        for (const sieve::Problem& problem : compiled.problems)
            if (problem.severity == sieve::Problem::Severity::error)
                std::cout << sieve::format_problem(problem) << '\n';
        fail("the test script cannot be compiled");
        return;
    }
    sieve::Interpreter interpreter(*message_, host_, settings_, {.trace = false, .foreign = this});
    Outcome outcome = interpreter.run(*compiled.program);
    if (outcome.status != Outcome::Status::done) {
        test_.clear();
        fail(outcome.error);
    }
}

// The interface is const so that no script can change what commands there are; the suite's own state is what they change.
sieve::ForeignResult TestSuite::run(const sieve::ForeignCall& call) const {
    return const_cast<TestSuite*>(this)->dispatch(call);
}

void TestSuite::section_ended(std::string_view error) const {
    auto* self = const_cast<TestSuite*>(this);
    if (!why_.empty())
        self->fail(why_);
    else if (!error.empty())
        self->fail(fmt::format("runtime error: {}", error));
    else
        self->pass();
    self->test_.clear();
    self->why_.clear();
}

sieve::ForeignResult TestSuite::trouble(std::string why) const {
    Result result;
    result.error = std::move(why);
    return result;
}

sieve::ForeignResult TestSuite::dispatch(const Call& call) {
    std::string_view name = call.name;
    Result done;
    if (name == "test") {
        test_ = first(call);
        if (test_.empty())
            test_ = fmt::format("line {}", call.line);
        return done;
    }
    if (name == "test_fail") {
        why_ = fmt::format("line {}: {}", call.line, first(call));
        if (test_.empty()) {
            fail(why_);
            why_.clear();
            return done;
        }
        done.leave_section = true;
        return done;
    }
    if (name == "test_set")
        return set_value(call);
    if (name.starts_with("test_config"))
        return config_command(call);
    if (name == "test_message")
        return choose_message(call);
    if (name == "test_mailbox_create") {
        mailboxes_[DeskHost::canonical(first(call))];
        host_.mailboxes.insert(DeskHost::canonical(first(call)));
        return done;
    }
    if (name == "test_imap_metadata_set") {
        auto mailbox = call.tags.find("mailbox");
        std::string place = mailbox == call.tags.end() ? "" : DeskHost::canonical(mailbox->second.at(0));
        host_.annotations[{place, text::lower(first(call))}] = call.arguments.at(1).at(0);
        return done;
    }
    if (name == "test_script_compile")
        return compile_script(call);
    if (name == "test_script_run")
        return run_script(call);
    if (name == "test_multiscript")
        return run_scripts(call);
    if (name == "test_result_execute")
        return execute_result(call);
    if (name == "test_result_action")
        return look_at_action(call);
    if (name == "test_error")
        return look_at_error(call);
    if (name == "test_result_print") {
        for (const Action& action : current_actions(call))
            std::cout << fmt::format("  {}\n", sieve::format_action(action));
        return done;
    }
    if (name == "test_result_reset") {
        actions_.clear();
        performed_ = 0;
        has_run_ = false;
        outbox_.clear();
        call.machine.reset_results();
        call.machine.flags.clear();
        call.machine.flags_known = false;
        call.machine.seen_duplicates.clear();
        call.machine.duplicate_answers.clear();
        return done;
    }
    return binary(call);
}

// ---- message and envelope

void TestSuite::derive_envelope(const sieve::Message& message) {
    auto first_address = [&](std::initializer_list<std::string_view> names) -> std::string {
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
    };
    if (std::string from = first_address({"Return-Path", "Sender", "From"}); !from.empty())
        host_.envelope_.from = from;
    if (std::string to = first_address({"Envelope-To", "To"}); !to.empty())
        host_.envelope_.to = to;
    host_.envelope_.original_to.clear();
}

void TestSuite::use_message(sieve::Machine& machine, std::string content, std::vector<std::string> flags) {
    contents_.push_back(std::move(content));
    messages_.emplace_back(contents_.back());
    message_ = &messages_.back();
    host_.flags = std::move(flags);
    machine.set_message(*message_);
}

sieve::ForeignResult TestSuite::set_value(const Call& call) {
    const std::string& name = first(call);
    const std::string& value = call.arguments.at(1).at(0);
    if (name == "message") {
        use_message(call.machine, value, {});
        derive_envelope(*message_);
    } else if (name == "envelope" || name == "envelope.from") {
        host_.envelope_.from = value;
    } else if (name == "envelope.to") {
        host_.envelope_.to = value;
    } else if (name == "envelope.orig_to") {
        host_.envelope_.original_to = value;
    } else if (name == "envelope.auth") {
        host_.envelope_.auth = value;
    } else {
        return trouble(fmt::format("test_set knows no \"{}\"", name));
    }
    return {};
}

sieve::ForeignResult TestSuite::config_command(const Call& call) {
    if (call.name == "test_config_set")
        config_[first(call)] = call.arguments.at(1).at(0);
    else if (call.name == "test_config_unset")
        config_.erase(first(call));
    else
        apply_config();
    return {};
}

sieve::ForeignResult TestSuite::choose_message(const Call& call) {
    std::size_t index = static_cast<std::size_t>(text::parse_number(first(call)).value_or(0));
    Result result;
    if (call.tags.contains("smtp")) {
        result.value = index < outbox_.size();
        if (result.value) {
            const Sent sent = outbox_[index];
            use_message(call.machine, sent.content, {});
            host_.envelope_.from = sent.from;
            host_.envelope_.to = sent.to;
        }
    } else if (auto folder = call.tags.find("folder"); folder != call.tags.end()) {
        auto mailbox = mailboxes_.find(DeskHost::canonical(folder->second.at(0)));
        result.value = mailbox != mailboxes_.end() && index < mailbox->second.size();
        if (result.value) {
            const Stored stored = mailbox->second[index];
            use_message(call.machine, stored.content, stored.flags);
        }
    } else {
        return trouble("test_message needs :folder or :smtp");
    }
    // As a command it must find the message; as a test it may ask.
    if (call.is_command && !result.value)
        return trouble(fmt::format("test_message: there is no message {} there", index));
    return result;
}

// ---- scripts

bool TestSuite::compile_file(const std::string& name) {
    program_.reset();
    errors_.clear();
    std::optional<std::string> text = read_file(folder_ / name);
    if (!text) {
        errors_.push_back(fmt::format("{}: there is no such script", (folder_ / name).string()));
        return false;
    }
    sieve::CompileOptions options;
    options.name = std::filesystem::path(name).stem().string();
    options.settings = settings_;
    options.loader = &loader_;
    options.foreign = this;
    sieve::Compiled compiled = sieve::compile(*text, options);
    for (const sieve::Problem& problem : compiled.problems)
        if (problem.severity == sieve::Problem::Severity::error)
            errors_.push_back(sieve::format_problem(problem));
    if (!compiled.ok())
        errors_.push_back(fmt::format("{}: {} errors", name, errors_.size()));
    program_ = compiled.program;
    return compiled.ok();
}

sieve::ForeignResult TestSuite::compile_script(const Call& call) {
    Result result;
    result.value = compile_file(first(call));
    return result;
}

sieve::ForeignResult TestSuite::run_script(const Call& call) {
    if (program_ == nullptr)
        return trouble("test_script_run: no script has been compiled");
    sieve::Interpreter interpreter(*message_, host_, settings_, {.trace = false, .foreign = this});
    std::string test = std::move(test_);
    std::string why = std::move(why_);
    test_.clear();
    why_.clear();
    std::size_t failed = failed_;
    Outcome outcome = interpreter.run(*program_);
    test_ = std::move(test);
    why_ = std::move(why);
    Result result;
    result.value = outcome.status == Outcome::Status::done && failed_ == failed;
    take_outcome(std::move(outcome), call.tags.contains("append_result"));
    return result;
}

sieve::ForeignResult TestSuite::run_scripts(const Call& call) {
    std::vector<std::shared_ptr<const sieve::Program>> programs;
    Result result;
    result.value = false;
    for (const std::string& name : call.arguments.at(0)) {
        if (!compile_file(name))
            return result;
        programs.push_back(program_);
    }
    sieve::Interpreter interpreter(*message_, host_, settings_, {.trace = false, .foreign = this});
    Outcome outcome = interpreter.run_all(programs);
    bool good = outcome.status == Outcome::Status::done;
    take_outcome(std::move(outcome), false);
    result.value = perform(actions_) && good;
    performed_ = actions_.size();
    return result;
}

sieve::ForeignResult TestSuite::binary(const Call& call) {
    if (call.name == "test_binary_save") {
        if (program_ == nullptr)
            return trouble("test_binary_save: no script has been compiled");
        binaries_[first(call)] = program_->encode();
        return {};
    }
    auto found = binaries_.find(first(call));
    if (found == binaries_.end())
        return trouble(fmt::format("test_binary_load: nothing was saved as \"{}\"", first(call)));
    auto decoded = sieve::Program::decode(found->second);
    if (!decoded)
        return trouble(fmt::format("test_binary_load: {}", decoded.error()));
    program_ = *decoded;
    return {};
}

}  // namespace sievec
