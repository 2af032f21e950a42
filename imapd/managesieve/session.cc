#include "imapd/managesieve/session.h"

#include <fmt/format.h>

#include "imapd/sessions/stop_signal.h"
#include "lib/log/log.h"
#include "lib/sieve/script.h"

namespace managesieved {

using managesieve::Command;
using sessions::Disconnected;

namespace {

constexpr std::size_t kMaxLine = 16384;
constexpr std::uint64_t kMaxSkipped = 64 << 20;  // of a literal that is too large
constexpr int kMaxErrors = 20;                   // in a row

}  // namespace

struct Session::Row {
    std::string_view name;
    std::string_view arguments;
    void (Session::*handler)(const Command&);
};

Session::Session(sessions::Wire& wire, scripts::ScriptStorage& storage, const Facts& facts)
    : wire_(wire), storage_(storage), facts_(facts) {}

void Session::reply(std::string_view word, std::string_view code, std::string_view text) {
    wire_.write(managesieve::format_reply(word, code, text));
}

End Session::run() {
    try {
        ok("Logged in.");
        while (running_) {
            std::optional<std::string> text = read_command();
            if (!text) {
                reply("NO", "QUOTA/MAXSIZE", "That is too large.");
                continue;
            }
            auto command = managesieve::parse_command(*text);
            if (command)
                execute(*command);
            else
                no(command.error());
            errors_ = command ? 0 : errors_ + 1;
            if (errors_ >= kMaxErrors) {
                reply("BYE", "", "Too many errors.");
                running_ = false;
            }
        }
        wire_.flush();
    } catch (const Disconnected& error) {
        try {
            if (error.why == Disconnected::Why::silent)
                reply("BYE", "", "You were silent for too long.");
            else if (error.why == Disconnected::Why::too_long)
                reply("BYE", "", "The line is too long.");
            else if (error.why == Disconnected::Why::stopped)
                reply("BYE", "TRYLATER", "The server is going down.");
            const bool stopped = std::exchange(sessions::stop_requested, 0) != 0;
            wire_.flush();
            sessions::stop_requested = stopped;
        } catch (const Disconnected&) {
            // It left before it was told.
        }
    }
    return end_;
}

// Literals included; nothing if one of them was too large and has been skipped.
std::optional<std::string> Session::read_command() {
    std::string text(wire_.read_line(kMaxLine));
    bool too_large = false;
    std::size_t line_begin = 0;
    for (;;) {
        const auto size = managesieve::literal_at_end(std::string_view(text).substr(line_begin));
        if (!size)
            return too_large ? std::nullopt : std::optional(std::move(text));
        if (*size > kMaxSkipped)
            throw Disconnected(Disconnected::Why::too_long, "a literal is too long");
        text += "\r\n";
        if (text.size() + *size > facts_.max_script + 2 * kMaxLine) {
            too_large = true;
            wire_.discard(*size);
            text.clear();
            text += "{0}\r\n";
        } else {
            take_literal(text, *size);
        }
        line_begin = text.size();
        text += wire_.read_line(kMaxLine);
    }
}

void Session::take_literal(std::string& text, std::uint64_t size) {
    while (size > 0) {
        const std::string_view some = wire_.read_some(static_cast<std::size_t>(size));
        text += some;
        size -= some.size();
    }
}

void Session::execute(const Command& command) {
    static constexpr Row kRows[] = {
        {"LOGOUT", "", &Session::logout},
        {"CAPABILITY", "", &Session::capability},
        {"HAVESPACE", "sn", &Session::have_space},
        {"PUTSCRIPT", "ss", &Session::put_script},
        {"LISTSCRIPTS", "", &Session::list_scripts},
        {"SETACTIVE", "s", &Session::set_active},
        {"GETSCRIPT", "s", &Session::get_script},
        {"DELETESCRIPT", "s", &Session::delete_script},
        {"RENAMESCRIPT", "ss", &Session::rename_script},
        {"CHECKSCRIPT", "s", &Session::check_script},
        {"NOOP", "", &Session::noop},
        {"NOOP", "s", &Session::noop},
        {"UNAUTHENTICATE", "", &Session::unauthenticate},
        {"AUTHENTICATE", "s", &Session::is_authenticated},
        {"AUTHENTICATE", "ss", &Session::is_authenticated},
        {"STARTTLS", "", &Session::is_authenticated},
    };
    bool known = false;
    for (const Row& row : kRows) {
        if (row.name != command.name)
            continue;
        known = true;
        if (command.has(row.arguments))
            return (this->*row.handler)(command);
    }
    no(known ? fmt::format("{} has other arguments.", command.name) : "Unknown command.");
}

void Session::logout(const Command&) {
    ok("Logged out.");
    running_ = false;
}

void Session::capability(const Command&) {
    wire_.write(managesieve::format_capabilities(facts_.capabilities));
    ok("");
}

// RFC 5804, 2.14: as if the client had just connected. login takes the connection back, and answers: a client that heard the
// OK from here could send its next command to us, and we are the ones who must not see its password.
void Session::unauthenticate(const Command&) {
    running_ = false;
    if (wire_.has_input())
        return reply("BYE", "", "Wait for the answer to UNAUTHENTICATE.");
    end_ = End::unauthenticated;
}

void Session::is_authenticated(const Command& command) {
    no(command.name == "STARTTLS" ? "TLS cannot be started after the login." : "You are logged in already.");
}

// RFC 5804, 2.13: the client sees its own string again.
void Session::noop(const Command& command) {
    if (command.arguments.empty())
        return ok("Done.");
    wire_.write(fmt::format("OK (TAG {}) \"Done.\"\r\n", managesieve::format_string(command.arguments[0].text)));
}

void Session::no(const scripts::ScriptFailure& failure) {
    using Kind = scripts::ScriptFailure::Kind;
    switch (failure.kind) {
    case Kind::not_found: return reply("NO", "NONEXISTENT", failure.text);
    case Kind::exists: return reply("NO", "ALREADYEXISTS", failure.text);
    case Kind::active: return reply("NO", "ACTIVE", failure.text);
    case Kind::too_many: return reply("NO", "QUOTA/MAXSCRIPTS", failure.text);
    case Kind::too_large: return reply("NO", "QUOTA/MAXSIZE", failure.text);
    case Kind::bad_name: return no(failure.text);
    case Kind::temporary: break;
    }
    logging::warning("{}", failure.text);
    reply("NO", "TRYLATER", "The scripts cannot be reached now.");
}

void Session::answer(const scripts::Result<void>& result, std::string_view text) {
    if (result)
        ok(text);
    else
        no(result.error());
}

void Session::have_space(const Command& command) {
    answer(storage_.have_space(command.arguments[0].text, command.arguments[1].number), "There is room for it.");
}

void Session::list_scripts(const Command&) {
    auto all = storage_.list();
    if (!all)
        return no(all.error());
    for (const scripts::ScriptEntry& script : *all)
        wire_.write(managesieve::format_string(script.name) + (script.active ? " ACTIVE\r\n" : "\r\n"));
    ok("");
}

void Session::get_script(const Command& command) {
    auto text = storage_.get(command.arguments[0].text);
    if (!text)
        return no(text.error());
    wire_.write(fmt::format("{{{}}}\r\n", text->size()));
    wire_.write(*text);
    wire_.write("\r\n");
    ok("");
}

std::optional<std::string> Session::check(const std::string& name, const std::string& text) {
    scripts::Includes includes(facts_.personal_directory, facts_.global_directory, facts_.max_script);
    sieve::CompileOptions options;
    options.name = name;
    options.settings = facts_.settings;
    options.loader = &includes;
    options.uploading = true;
    const sieve::Compiled compiled = sieve::compile(text, options);
    std::string problems;
    for (const sieve::Problem& problem : compiled.problems)
        problems += sieve::format_problem(problem) + "\r\n";
    if (compiled.ok())
        return problems;
    no(problems);
    return std::nullopt;
}

void Session::put_script(const Command& command) {
    const std::string& name = command.arguments[0].text;
    const std::string& text = command.arguments[1].text;
    if (auto space = storage_.have_space(name, text.size()); !space)
        return no(space.error());
    const std::optional<std::string> warnings = check(name, text);
    if (!warnings)
        return;
    auto kept = storage_.put(name, text);
    if (!kept)
        return no(kept.error());
    reply("OK", warnings->empty() ? "" : "WARNINGS", warnings->empty() ? "The script is stored." : *warnings);
}

void Session::check_script(const Command& command) {
    const std::string& text = command.arguments[0].text;
    if (text.size() > facts_.max_script)
        return reply("NO", "QUOTA/MAXSIZE", fmt::format("A script may have {} octets.", facts_.max_script));
    const std::optional<std::string> warnings = check("script", text);
    if (warnings)
        reply("OK", warnings->empty() ? "" : "WARNINGS", warnings->empty() ? "The script is good." : *warnings);
}

void Session::set_active(const Command& command) {
    const std::string& name = command.arguments[0].text;
    if (!name.empty()) {
        auto text = storage_.get(name);
        if (!text)
            return no(text.error());
        if (!check(name, *text))
            return;
    }
    answer(storage_.activate(name), name.empty() ? "No script is active now." : "The script is active.");
}

void Session::delete_script(const Command& command) {
    answer(storage_.remove(command.arguments[0].text), "The script is gone.");
}

void Session::rename_script(const Command& command) {
    answer(storage_.rename(command.arguments[0].text, command.arguments[1].text), "The script has its new name.");
}

}  // namespace managesieved
