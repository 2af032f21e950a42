// LIST and LSUB.
#include <algorithm>
#include <map>

#include "imapd/imap/command_table.h"
#include "lib/imap/format.h"
#include "lib/imap/mailbox_name.h"
#include "lib/message/header.h"

namespace imapd {
namespace {

// Names with what is known of them: true if the mailbox exists (LIST) or is subscribed (LSUB).
using Names = std::map<std::string, bool>;

// Levels above a name that are no mailboxes themselves show as \Noselect (RFC 3501, 6.3.8).
void add_with_parents(Names& names, const std::string& name, char separator) {
    names[name] = true;
    for (std::size_t at = name.find(separator); at != std::string::npos; at = name.find(separator, at + 1))
        names.emplace(name.substr(0, at), false);
}

bool has_children(const Names& names, const std::string& name, char separator) {
    auto next = names.lower_bound(name + separator);
    return next != names.end() && next->first.starts_with(name + separator);
}

bool wanted(const std::string& name, const std::string& pattern, char separator) {
    if (imap::matches_pattern(name, pattern, separator))
        return true;
    return name == "INBOX" && imap::matches_pattern("inbox", message::lower_ascii(pattern), separator);
}

void write_line(Session& session, std::string_view response, const std::string& attributes, const std::string& name) {
    std::string line = "* ";
    line += response;
    line += " (" + attributes + ") \"";
    line += session.account().separator();
    line += "\" ";
    imap::append_astring(line, name);
    session.wire().write(line + "\r\n");
}

std::string_view special_use(Session& session, const std::string& name) {
    for (const auto& [mailbox, attribute] : session.settings().special_use) {
        if (mailbox == name)
            return attribute;
    }
    return "";
}

void add_attribute(Session& session, std::string& attributes, std::string_view attribute) {
    if (attribute.empty() || !session.extensions().allows(imap::Place::attribute, attribute))
        return;
    if (!attributes.empty())
        attributes += ' ';
    attributes += attribute;
}

}  // namespace

Reply command_list(Session& session, const imap::Command& command) {
    imap::ListArgs args = imap::parse_list(command.args);
    char separator = session.account().separator();
    if (args.pattern.empty()) {  // asks for the separator
        write_line(session, "LIST", "\\Noselect", "");
        return Reply::ok("Listed");
    }
    auto existing = session.account().list();
    if (!existing)
        return Reply::of(existing.error());
    Names names;
    for (const std::string& name : *existing)
        add_with_parents(names, name, separator);
    std::string pattern = imap::canonical_mailbox(args.reference + args.pattern, separator);
    for (const auto& [name, exists] : names) {
        if (!wanted(name, pattern, separator))
            continue;
        std::string attributes;
        if (!exists)
            add_attribute(session, attributes, "\\Noselect");
        add_attribute(session, attributes, has_children(names, name, separator) ? "\\HasChildren" : "\\HasNoChildren");
        if (exists)
            add_attribute(session, attributes, special_use(session, name));
        write_line(session, "LIST", attributes, name);
    }
    return Reply::ok("Listed");
}

Reply command_lsub(Session& session, const imap::Command& command) {
    imap::ListArgs args = imap::parse_list(command.args);
    char separator = session.account().separator();
    auto subscribed = session.account().subscriptions();
    if (!subscribed)
        return Reply::of(subscribed.error());
    std::string pattern = imap::canonical_mailbox(args.reference + args.pattern, separator);
    bool levels = pattern.find('%') != std::string::npos;
    Names names;
    for (const std::string& name : *subscribed) {
        if (levels)
            add_with_parents(names, name, separator);
        names[name] = true;
    }
    for (const auto& [name, is_subscribed] : names) {
        if (wanted(name, pattern, separator))
            write_line(session, "LSUB", is_subscribed ? "" : "\\Noselect", name);
    }
    return Reply::ok("Listed");
}

}  // namespace imapd
