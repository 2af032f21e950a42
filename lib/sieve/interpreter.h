// lib/sieve/interpreter.h - running programs over a message.
//
//     Message message(octets);
//     Interpreter interpreter(message, host, settings);
//     Outcome outcome = interpreter.run(*program);                 // or run_all({before, personal, after})
//     for (const Action& action : outcome.actions) perform(action);
//
// Nothing happens while a script runs: it only makes a list. An Outcome always says what to do with the message, whatever
// went wrong: after a runtime error or a limit the list is one keep (of the message as it came), and `error` says why.
// The implicit keep is in the list as a keep with `implicit` set, so performing the list is all there is to do; an empty
// list means discard.
//
// Lifetime    message and host must outlive the interpreter; actions own what they hold.
// Failure     never throws for anything a script or message does; std::bad_alloc aside. See Outcome::Status.
// Trust       program and message come from strangers; Limits bound what they can use.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sieve/host.h"
#include "lib/sieve/message.h"
#include "lib/sieve/settings.h"

namespace sieve {

class Program;
class ForeignCommands;

// Which line of which script did something, and because of which test.
struct Cause {
    std::string script;
    std::uint32_t line = 0;       // of the action; 0 for the implicit keep
    std::uint32_t test_line = 0;  // of the last condition that held before it; 0 if there was none
    std::string test;             // that condition's operands in short: header :contains "list-id" "dev"
};

// :fcc of vacation and notify (RFC 8580).
struct FileCopy {
    std::string mailbox;
    std::vector<std::string> flags;
    bool create = false;
    std::string special_use;
    std::string mailbox_id;
};

struct Action {
    enum class Kind {
        keep,            // into the default mailbox; `implicit` if no command asked for it
        fileinto,        // mailbox, or special_use or mailbox_id with mailbox as fallback
        redirect,        // to address
        reject,          // reason; by rejection() of notify.h, or by LMTP reply if it is ASCII (RFC 5429, 2.2)
        ereject,         // reason; by LMTP reply (RFC 5429, 2.1)
        discard,         // only to be told: it cancelled the implicit keep
        vacation,        // see vacation.h: answer() decides and writes the reply
        notify,          // see notify.h: notification_messages() writes the mail
        report,          // abuse report, see notify.h
        mark_duplicate,  // remember duplicate_id until `seconds` from now, when all else succeeded (RFC 7352, 3)
    };

    Kind kind = Kind::keep;
    Cause cause;
    bool implicit = false;

    // keep, fileinto
    std::string mailbox;             // UTF-8
    std::vector<std::string> flags;  // "\\Seen", "$Label1"
    bool create = false;
    std::string special_use;  // "\\Junk"
    std::string mailbox_id;

    // redirect; fileinto's copy needs no mark here: it leaves the implicit keep in the list
    std::string address;         // local@domain
    bool external_list = false;  // address is the name of a list (RFC 6134, 2.5)

    // reject, ereject, vacation, notify, report: text in UTF-8
    std::string reason;
    std::string subject;  // vacation; empty: "Auto: " and the message's own
    std::string from;
    std::vector<std::string> addresses;  // vacation :addresses
    std::string handle;                  // vacation: what tells one response from another
    bool mime = false;                   // vacation: reason is a MIME entity
    std::chrono::seconds seconds{0};     // vacation: not again to the same sender; mark_duplicate: expiry
    std::optional<FileCopy> fcc;

    // notify
    std::string method;  // URI: mailto:alice@example.test
    int importance = 2;  // 1 high, 2 normal, 3 low
    std::vector<std::string> options;
    bool headers_only = false;  // report
    std::string feedback_type;  // report

    std::string duplicate_id;  // mark_duplicate

    // The message's header as editheader left it when the action was taken; null: as it came. The body never changes.
    std::shared_ptr<const std::string> header;

    // The whole content that this action is about.
    std::string content(const Message& message) const;
};

// `fileinto "Lists" :flags "\\Seen"`: one line, as sievec --run shows it.
std::string format_action(const Action& action);

struct TraceStep {
    enum class Kind { test, action, include, note };
    Kind kind = Kind::note;
    std::string script;
    std::uint32_t line = 0;
    std::string text;     // test: `header :contains "subject" "x"` => `"a x b" matched key "x": true`
    bool result = false;  // of a test
};

struct Outcome {
    enum class Status {
        done,
        failed,             // runtime error or limit: the actions are the implicit keep, `error` says what happened
        temporary_failure,  // the host could not answer: try the message again later
    };
    Status status = Status::done;
    std::vector<Action> actions;
    std::string error;  // `script:line: what`
    std::vector<std::string> warnings;
    std::vector<TraceStep> trace;
    std::uint64_t instructions = 0;

    bool keeps() const;  // is there a keep among the actions?
};

struct RunOptions {
    bool trace = false;
    const ForeignCommands* foreign = nullptr;
};

class Interpreter {
  public:
    Interpreter(const Message& message, Host& host, const Settings& settings, RunOptions options = {});
    ~Interpreter();
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;

    Outcome run(const Program& program);

    // One after the other, as long as each ends with a keep; its keep is then the next one's business (flags and edited
    // header go along), and so only the last one's is in the list. Scripts after a failure are not run. What an earlier one
    // did is not done again, and a message that it filed or redirected is not rejected any more: `warnings` tells.
    Outcome run_all(std::span<const std::shared_ptr<const Program>> programs);

    class Machine;  // machine.h

  private:
    std::unique_ptr<Machine> machine_;
};

}  // namespace sieve
