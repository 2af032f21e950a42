// imapd/imap/session.h - the dialogue with one authenticated client.
//
//     Session session(wire, account, settings);
//     session.run(tag);      // answers the login command, then serves until LOGOUT or the end
//
// For each command: read it whole (the message of APPEND apart), find its row, is it allowed now, run it,
// tell what changed meanwhile, reply. A handler parses its arguments and returns the Reply.
//
// What a client may say, and which response codes it hears, follows from the rows of lib/imap/extension.h.
//
// Standards   RFC 3501; RFC 2177, 2342, 2971, 3348, 3691, 4315, 5161, 6154, 6851, 7888, 8438
// Failure     SyntaxError becomes BAD, a store::Failure NO with its code; Disconnected ends the session.
// Trust       everything the client says; mail contents come from strangers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imapd/account/mailbox_events.h"
#include "imapd/imap/selected.h"
#include "imapd/sessions/wire.h"
#include "lib/imap/command.h"
#include "lib/imap/extension.h"
#include "lib/imap/literal.h"
#include "lib/message/structure.h"
#include "lib/store/account.h"

namespace imapd {

struct Reply {
    enum class Status { ok, no, bad };
    Status status = Status::ok;
    std::string text;  // with its response code, if any

    static Reply ok(std::string text) { return {Status::ok, std::move(text)}; }
    static Reply no(std::string text) { return {Status::no, std::move(text)}; }
    static Reply bad(std::string text) { return {Status::bad, std::move(text)}; }
    static Reply of(const store::Failure& failure);
};

struct SessionSettings {
    std::size_t max_command = 1048576;
    std::uint64_t max_message = 1073741824;
    std::chrono::seconds idle_notify_interval{120};
    std::chrono::seconds idle_poll_interval{10};
    std::string user;
    std::vector<std::pair<std::string, std::string>> special_use;  // mailbox name, attribute
    account::MailboxEvents* events = nullptr;                      // null: nobody is to be told
    imap::Extensions extensions;                                   // that a session begins with
};

class Session {
  public:
    enum class State : unsigned { authenticated = 1, selected = 2, logout = 4 };

    Session(sessions::Wire& wire, std::shared_ptr<store::Account> account, const SessionSettings& settings);
    ~Session();

    // `login_tag` is of the command that logged in; its OK is sent here.
    void run(std::string_view login_tag);

    sessions::Wire& wire() { return wire_; }
    store::Account& account() { return *account_; }
    const SessionSettings& settings() const { return settings_; }
    imap::Extensions& extensions() { return extensions_; }
    State state() const { return state_; }
    void set_state(State state) { state_ = state; }

    // Only in the selected state.
    Selected& selected() { return *selected_; }
    bool has_selected() const { return selected_ != nullptr; }
    void select(std::unique_ptr<Selected> selected);
    void unselect();
    std::unique_ptr<Selected> take_selected();  // unselects

    // The literal that the command's text ends with, for APPEND.
    std::optional<imap::Literal>& open_literal() { return open_literal_; }

    // `* OK [COPYUID ...] Moved`
    void say(const Reply& untagged) { send("*", untagged); }

    // Tells what changed; ends the session where the mailbox is gone.
    void report(bool expunges);

    // Lets go of what costs memory, before a long wait.
    void rest();

    // The text of a message with its structure, kept for the next part that the client asks for.
    struct Opened {
        std::uint32_t uid = 0;
        store::Content content;
        std::optional<message::Structure> structure;
    };
    store::Result<Opened*> open_message(std::uint32_t uid);
    const message::Structure& structure_of(Opened& opened);

  private:
    void serve_command();
    std::string read_command();
    bool take_literal(std::string& text, const imap::Literal& literal);
    void refuse_rest(const imap::Literal& literal);
    Reply run_command(const imap::Command& command, bool& may_report, bool& expunges);
    void send(std::string_view tag, const Reply& reply);

    sessions::Wire& wire_;
    std::shared_ptr<store::Account> account_;
    const SessionSettings& settings_;
    imap::Extensions extensions_;
    State state_ = State::authenticated;
    std::unique_ptr<Selected> selected_;
    std::optional<imap::Literal> open_literal_;
    std::optional<Opened> opened_;
    int bad_commands_ = 0;
};

}  // namespace imapd
