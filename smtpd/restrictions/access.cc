// access(5): tables that are asked about clients, names and addresses.
#include "lib/address/extension.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "smtpd/restrictions/entry.h"
#include "smtpd/services.h"

namespace smtpd {
namespace {

constexpr int kMaxDepth = 10;  // a table names a class, whose table names a class

using Found = dict::Answer;

bool includes_subdomains(const Params& params) {
    for (const std::string& name : params.parent_domain_matches_subdomains())
        if (name == "smtpd_access_maps")
            return true;
    return false;
}

// example.test, then test (or .test, where parents do not stand for their subdomains).
event::Task<Found> find_domain(const Context& c, const dict::TableList& table, std::string domain, dict::KeyKind kind) {
    bool parents = includes_subdomains(c.services.params);
    std::string name = text::lower(domain);
    for (;;) {
        Found found = co_await table.lookup(c.asker(), name, kind);
        if (!found || *found)
            co_return found;
        kind = dict::KeyKind::part;
        std::size_t dot = name.find('.', name.starts_with('.') ? 1 : 0);
        if (dot == std::string::npos)
            co_return std::nullopt;
        name = name.substr(parents ? dot + 1 : dot);
    }
}

// 192.0.2.1, 192.0.2, 192.0, 192; the same with colons for IPv6.
event::Task<Found> find_address_block(const Context& c, const dict::TableList& table, std::string key) {
    char separator = key.find(':') != std::string::npos ? ':' : '.';
    dict::KeyKind kind = dict::KeyKind::whole;
    for (;;) {
        Found found = co_await table.lookup(c.asker(), key, kind);
        if (!found || *found)
            co_return found;
        kind = dict::KeyKind::part;
        std::size_t cut = key.rfind(separator);
        if (cut == std::string::npos)
            co_return std::nullopt;
        key.resize(cut);
    }
}

// user@domain, the domain and its parents, user@.
event::Task<Found> find_mailbox(const Context& c, const dict::TableList& table, const address::Mailbox& mailbox) {
    if (mailbox.empty())
        co_return co_await table.lookup(c.asker(), "<>", dict::KeyKind::whole);  // smtpd_null_access_lookup_key
    std::string key = text::lower(mailbox.text());
    Found found = co_await table.lookup(c.asker(), key, dict::KeyKind::whole);
    if (!found || *found)
        co_return found;
    const auto& delimiters = c.services.params.recipient_delimiter();
    std::size_t cut = delimiters.empty() ? std::string::npos : mailbox.local.find_first_of(delimiters, 1);
    std::string base = text::lower(mailbox.local.substr(0, cut));
    if (cut != std::string::npos) {
        key = base + "@" + text::lower(mailbox.domain);
        found = co_await table.lookup(c.asker(), key, dict::KeyKind::part);
        if (!found || *found)
            co_return found;
    }
    if (!mailbox.domain.empty()) {
        // The whole address was asked already: what follows are parts of it.
        found = co_await find_domain(c, table, mailbox.domain, dict::KeyKind::part);
        if (!found || *found)
            co_return found;
    }
    key = base + "@";
    co_return co_await table.lookup(c.asker(), key, dict::KeyKind::part);
}

event::Task<Found> find_client(const Context& c, const dict::TableList& table) {
    Found by_name = co_await find_domain(c, table, c.facts.client_name, dict::KeyKind::whole);
    if (!by_name || *by_name)
        co_return by_name;
    co_return co_await find_address_block(c, table, c.facts.client_address);
}

struct Subject {
    std::string value;  // as the client gave it
    std::string what;   // "Client host"
    std::string dsn;
};

Subject subject_of(About about, const Facts& facts) {
    switch (about) {
    case About::helo: return {facts.helo, "Helo command", "5.7.1"};
    case About::sender: return {facts.sender_text, "Sender address", "5.7.1"};
    case About::recipient: return {facts.recipient_text, "Recipient address", "5.7.1"};
    case About::login: return {facts.login, "SASL login name", "5.7.1"};
    case About::nothing:
    case About::client:
    case About::client_name: break;
    }
    return {facts.client_name + "[" + facts.client_address + "]", "Client host", "5.7.1"};
}

event::Task<Found> look_up(const Context& c, About about, const dict::TableList& table) {
    const Facts& facts = c.facts;
    std::string key;
    switch (about) {
    case About::helo:
        if (facts.helo.empty())
            co_return std::nullopt;
        co_return co_await find_domain(c, table, facts.helo, dict::KeyKind::whole);
    case About::sender:
        if (!facts.has_sender)
            co_return std::nullopt;
        co_return co_await find_mailbox(c, table, facts.sender);
    case About::recipient:
        if (!facts.has_recipient)
            co_return std::nullopt;
        co_return co_await find_mailbox(c, table, facts.recipient);
    case About::login:
        if (!facts.authenticated)
            co_return std::nullopt;
        key = text::lower(facts.login);
        co_return co_await table.lookup(c.asker(), key);
    case About::nothing:
    case About::client:
    case About::client_name: break;
    }
    co_return co_await find_client(c, table);
}

// The right-hand side of an entry, where it is an action of access(5); no value where it names restrictions.
std::optional<Verdict> act(const std::string& value, const Subject& subject, const Context& c) {
    const Params& params = c.services.params;
    std::string_view rest = text::trim(value);
    std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
    std::string action = text::upper(rest.substr(0, end));
    std::string words(text::trim(rest.substr(end)));
    auto say = [&](int code, std::string dsn, const std::string& fallback) {
        std::string said = words;
        if (std::string_view status = smtp::leading_status(said); !status.empty()) {
            dsn = status;
            said = text::trim(std::string_view(said).substr(status.size()));
        }
        if (said.empty())
            said = fallback;
        return reject(c, code, dsn, fmt::format("<{}>: {} rejected: {}", subject.value, subject.what, said));
    };
    if (action == "OK" || action == "RELAY" || text::parse_number(action).has_value() == false) {
        if (action == "OK" || action == "RELAY" || action == "PERMIT")
            return permit();
        if (action == "DUNNO")
            return dunno();
        if (action == "REJECT")
            return say(params.access_map_reject_code(), subject.dsn, "Access denied");
        if (action == "DEFER")
            return say(params.access_map_defer_code(), "4.7.1", "Access denied");
        if (action == "HOLD" || action == "DISCARD" || action == "WARN" || action == "INFO") {
            Verdict verdict;
            verdict.kind = action == "HOLD"      ? Verdict::Kind::hold
                           : action == "DISCARD" ? Verdict::Kind::discard
                                                 : Verdict::Kind::warn;
            verdict.log_text = fmt::format(
                "<{}>: {} triggers {} action{}{}", subject.value, subject.what, action, words.empty() ? "" : ": ", words);
            return verdict;
        }
        return std::nullopt;
    }
    std::uint64_t number = *text::parse_number(action);
    // All digits: 4xx and 5xx are replies; any other number is an old form of OK.
    if (action.size() == 3 && number >= 400 && number <= 599)
        return say(static_cast<int>(number), number >= 500 ? "5.7.1" : "4.7.1", "Access denied");
    return permit();
}

// The rows of table.cc, as in a list of main.cf.
event::Task<Verdict> apply_restrictions(const Context& c, const std::string& value) {
    Context inner = c;
    if (++inner.depth > kMaxDepth)
        co_return trouble("access table: restrictions name each other too deeply: " + value);
    const config::List words = config::split_list(value);
    if (words.empty())
        co_return trouble("access table: a right side with nothing in it");
    const Restrictions::List list = c.restrictions.parse_right_side(words);
    co_return co_await evaluate_list(list, inner);
}

event::Task<Verdict> ask_table(const Context& c, const Restrictions::Entry& entry) {
    Found found = co_await look_up(c, entry.row->about, *entry.table);
    if (!found)
        co_return trouble(found.error().text);
    if (!*found)
        co_return dunno();
    std::optional<Verdict> verdict = act(**found, subject_of(entry.row->about, c.facts), c);
    if (verdict)
        co_return std::move(*verdict);
    co_return co_await apply_restrictions(c, **found);
}

}  // namespace

question::Pending<Verdict> access_table(const Context& c, const Restrictions::Entry& entry) { return ask_table(c, entry); }

}  // namespace smtpd
