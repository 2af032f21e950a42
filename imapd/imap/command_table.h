// imapd/imap/command_table.h - every command, when it is allowed, and what may be told after it.
//
// Which of them a session has, lib/imap/extension.h says.
#pragma once

#include <span>
#include <string_view>

#include "imapd/imap/session.h"

namespace imapd {

// What others did meanwhile is told before the tagged reply.
enum class Updates {
    none,         // the mailbox is changing, or none is selected
    no_expunges,  // RFC 3501, 7.4.1: numbers must not shift under FETCH, STORE and SEARCH
    all,
};

struct CommandRow {
    std::string_view name;
    unsigned states;  // of Session::State
    bool takes_arguments;
    Updates updates;
    Reply (*handler)(Session&, const imap::Command&);
};

const CommandRow* find_command(std::string_view name);
std::span<const CommandRow> commands();

// commands/*.cc
Reply command_append(Session&, const imap::Command&);
Reply command_capability(Session&, const imap::Command&);
Reply command_check(Session&, const imap::Command&);
Reply command_close(Session&, const imap::Command&);
Reply command_copy(Session&, const imap::Command&);
Reply command_create(Session&, const imap::Command&);
Reply command_delete(Session&, const imap::Command&);
Reply command_enable(Session&, const imap::Command&);
Reply command_expunge(Session&, const imap::Command&);
Reply command_fetch(Session&, const imap::Command&);
Reply command_id(Session&, const imap::Command&);
Reply command_idle(Session&, const imap::Command&);
Reply command_list(Session&, const imap::Command&);
Reply command_login_again(Session&, const imap::Command&);
Reply command_logout(Session&, const imap::Command&);
Reply command_lsub(Session&, const imap::Command&);
Reply command_move(Session&, const imap::Command&);
Reply command_namespace(Session&, const imap::Command&);
Reply command_noop(Session&, const imap::Command&);
Reply command_rename(Session&, const imap::Command&);
Reply command_search(Session&, const imap::Command&);
Reply command_select(Session&, const imap::Command&);
Reply command_status(Session&, const imap::Command&);
Reply command_store(Session&, const imap::Command&);
Reply command_subscribe(Session&, const imap::Command&);
Reply command_unselect(Session&, const imap::Command&);

}  // namespace imapd
