// imapd/managesieve/session.h - a client manages its user's scripts.
//
//     managesieved::Session session(wire, storage, facts);
//     if (session.run() == managesieved::End::unauthenticated) ...      // login asks who is there again
//
// Standards   RFC 5804, 2; MAXREDIRECTS, NOTIFY, OWNER, UNAUTHENTICATE of 1.7
// Failure     every failure is a NO with its code; Disconnected ends the session.
// Trust       everything the client says. A script is compiled before it is kept, so what is kept can be run.
#pragma once

#include <optional>
#include <string>

#include "imapd/sessions/wire.h"
#include "imapd/sieve/scripts/compiled.h"
#include "imapd/sieve/scripts/script_storage.h"
#include "lib/managesieve/grammar.h"

namespace managesieved {

struct Facts {
    managesieve::Capabilities capabilities;
    sieve::Settings settings;
    std::string personal_directory, global_directory;
    std::size_t max_script = 1048576;
};

enum class End { left, unauthenticated };

class Session {
  public:
    Session(sessions::Wire& wire, scripts::ScriptStorage& storage, const Facts& facts);

    End run();

  private:
    struct Row;
    struct TooLarge {};  // a literal that nobody wants was skipped

    std::optional<std::string> read_command();
    void take_literal(std::string& text, std::uint64_t size);
    void execute(const managesieve::Command& command);

    void logout(const managesieve::Command& command);
    void capability(const managesieve::Command& command);
    void have_space(const managesieve::Command& command);
    void put_script(const managesieve::Command& command);
    void list_scripts(const managesieve::Command& command);
    void set_active(const managesieve::Command& command);
    void get_script(const managesieve::Command& command);
    void delete_script(const managesieve::Command& command);
    void rename_script(const managesieve::Command& command);
    void check_script(const managesieve::Command& command);
    void noop(const managesieve::Command& command);
    void unauthenticate(const managesieve::Command& command);
    void is_authenticated(const managesieve::Command& command);

    void ok(std::string_view text) { reply("OK", "", text); }
    void no(std::string_view text) { reply("NO", "", text); }
    void no(const scripts::ScriptFailure& failure);
    void reply(std::string_view word, std::string_view code, std::string_view text);
    void answer(const scripts::Result<void>& result, std::string_view text);
    // Warnings of a script that is good; nothing where it is not, and the client was told.
    std::optional<std::string> check(const std::string& name, const std::string& text);

    sessions::Wire& wire_;
    scripts::ScriptStorage& storage_;
    const Facts& facts_;
    bool running_ = true;
    int errors_ = 0;
    End end_ = End::left;
};

}  // namespace managesieved
