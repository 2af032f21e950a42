// test/unit/lib/sieve/sieve_fixture.h - scripts compiled and run in a line.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/sieve/interpreter.h"
#include "lib/sieve/program.h"
#include "lib/sieve/script.h"

class FakeHost : public sieve::Host {
  public:
    const sieve::Envelope& envelope() const override { return envelope_; }
    std::optional<std::string> environment(std::string_view item) const override {
        return item == "name" ? std::optional<std::string>("Malleposte") : std::nullopt;
    }
    bool mailbox_exists(std::string_view mailbox) override {
        if (broken)
            throw sieve::HostFailure("the store does not answer");
        return mailboxes.contains(std::string(mailbox));
    }
    bool mailbox_id_exists(std::string_view id) override { return id == "F1"; }
    bool special_use_exists(std::optional<std::string_view> mailbox, std::span<const std::string> uses) override {
        return uses.size() == 1 && uses[0] == "\\Junk" && (!mailbox || *mailbox == "Spam");
    }
    std::optional<std::string> metadata(std::optional<std::string_view> mailbox, std::string_view name) override {
        auto found = annotations.find(std::string(mailbox.value_or("")) + "|" + std::string(name));
        return found == annotations.end() ? std::nullopt : std::optional(found->second);
    }
    bool is_external_list(std::string_view name) override { return name == "urn:ietf:params:sieve:addrbook:default"; }
    bool in_external_list(std::string_view, std::string_view value) override { return value == "alice@example.test"; }
    bool seen_recently(std::string_view id) override { return duplicates.contains(std::string(id)); }
    std::int64_t now() const override { return 1'784'576'683; }  // Mon, 20 Jul 2026 19:44:43 +0000
    int zone_minutes() const override { return 120; }
    std::vector<std::string> message_flags() const override { return flags; }

    sieve::Envelope envelope_{"sender@example.test", "alice+lists@example.test", "", ""};
    std::set<std::string> mailboxes = {"INBOX"};
    std::map<std::string, std::string> annotations;
    std::set<std::string> duplicates;
    std::vector<std::string> flags;
    bool broken = false;
};

class FakeLoader final : public sieve::ScriptLoader {
  public:
    std::optional<std::string> load(sieve::ScriptLocation location, std::string_view name) override {
        asked.emplace_back(name);
        auto found = scripts.find((location == sieve::ScriptLocation::global ? "global/" : "") + std::string(name));
        return found == scripts.end() ? std::nullopt : std::optional(found->second);
    }
    std::map<std::string, std::string> scripts;
    std::vector<std::string> asked;
};

inline constexpr std::string_view kMail =
    "From: Bob <bob@example.test>\r\nTo: Alice <alice+lists@example.test>, carol@sub.example.test\r\n"
    "Subject: =?utf-8?Q?B=C3=BCro?= meeting\r\nMessage-ID: <1@example.test>\r\nX-Level: 7\r\nX-Level: 12\r\n"
    "Date: Mon, 20 Jul 2026 21:44:43 +0200\r\n\r\nHello there.\r\n";

// Compiles and runs; what it keeps is what a test looks at.
struct SieveFixture {
    std::string message{kMail};
    FakeHost host;
    FakeLoader loader;
    sieve::CompileOptions options;
    bool trace = false;
    sieve::Compiled compiled;
    sieve::Outcome outcome;

    SieveFixture() { options.loader = &loader; }

    bool compile(std::string_view script) {
        compiled = sieve::compile(script, options);
        return compiled.ok();
    }
    std::string first_problem() const {
        return compiled.problems.empty() ? "" : sieve::format_problem(compiled.problems.front());
    }
    // Actions, one a line; "compile: ..." or "failed: ..." in front when something went wrong.
    std::string run(std::string_view script) {
        if (!compile(script))
            return "compile: " + first_problem();
        // Every program goes through its file form on the way.
        auto decoded = sieve::Program::decode(compiled.program->encode());
        if (!decoded)
            return "decode: " + decoded.error();
        sieve::Message parsed(message);
        sieve::Interpreter interpreter(parsed, host, options.settings, {.trace = trace, .foreign = nullptr});
        outcome = interpreter.run(**decoded);
        std::string out = outcome.status == sieve::Outcome::Status::done ? "" : "failed: " + outcome.error + "\n";
        for (const sieve::Action& action : outcome.actions)
            out += sieve::format_action(action) + "\n";
        return out;
    }
    // Is this test true?
    bool holds(std::string_view require, std::string_view test) {
        std::string script = std::string(require.empty() ? "" : "require [" + std::string(require) + "];\n") + "if " +
                             std::string(test) + " { discard; }";
        std::string result = run(script);
        if (result != "discard\n" && result != "keep (implicit)\n")
            throw std::runtime_error(result);
        return result == "discard\n";
    }
};
