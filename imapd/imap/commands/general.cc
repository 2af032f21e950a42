// CAPABILITY, ENABLE, NOOP, LOGOUT, ID, NAMESPACE, and what makes no sense after login.
#include <fmt/format.h>

#include "imapd/imap/command_table.h"
#include "lib/imap/format.h"
#include "lib/log/log.h"

namespace imapd {

Reply command_capability(Session& session, const imap::Command&) {
    session.wire().write(fmt::format("* CAPABILITY {}\r\n", session.extensions().capabilities({.logged_in = true})));
    return Reply::ok("Capabilities listed");
}

// RFC 5161: what is not known, or needs no enabling, is passed over.
Reply command_enable(Session& session, const imap::Command& command) {
    std::string line = "* ENABLED";
    for (const std::string& name : imap::parse_enable(command.args)) {
        if (session.extensions().enable(name))
            line += " " + name;
    }
    session.wire().write(line + "\r\n");
    return Reply::ok("Enabled");
}

Reply command_noop(Session&, const imap::Command&) { return Reply::ok("Nothing done"); }

Reply command_check(Session&, const imap::Command&) { return Reply::ok("Mailbox is up to date"); }

Reply command_logout(Session& session, const imap::Command&) {
    session.wire().write("* BYE Logging out\r\n");
    session.set_state(Session::State::logout);
    return Reply::ok("Logged out");
}

Reply command_login_again(Session&, const imap::Command&) { return Reply::no("Already logged in"); }

Reply command_id(Session& session, const imap::Command& command) {
    std::string client;
    for (const auto& [name, value] : imap::parse_id(command.args)) {
        if (!client.empty())
            client += ", ";
        client += imap::human_text(name.substr(0, 30)) + "=" + imap::human_text(value.value_or("").substr(0, 100));
    }
    if (!client.empty())
        logging::info("{}: client is {}", session.settings().user, client);
    session.wire().write("* ID (\"name\" \"Malleposte\")\r\n");
    return Reply::ok("Identified");
}

Reply command_namespace(Session& session, const imap::Command&) {
    session.wire().write(fmt::format("* NAMESPACE ((\"\" \"{}\")) NIL NIL\r\n", session.account().separator()));
    return Reply::ok("One namespace");
}

}  // namespace imapd
