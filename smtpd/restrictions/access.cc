// access(5): tables that are asked about clients, names and addresses.
#include "lib/address/extension.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "smtpd/restrictions/entry.h"
#include "smtpd/services.h"

namespace smtpd {
namespace {

using Found = std::expected<std::optional<std::string>, dict::Failure>;

bool includes_subdomains(const Params& params) {
    for (const std::string& name : params.parent_domain_matches_subdomains())
        if (name == "smtpd_access_maps")
            return true;
    return false;
}

// example.test, then test (or .test, where parents do not stand for their subdomains).
Found find_domain(const dict::TableList& table, const std::string& domain, const Params& params) {
    bool parents = includes_subdomains(params);
    std::string name = text::lower(domain);
    dict::KeyKind kind = dict::KeyKind::whole;
    for (;;) {
        Found found = table.lookup(name, kind);
        if (!found || *found)
            return found;
        kind = dict::KeyKind::part;
        std::size_t dot = name.find('.', name.starts_with('.') ? 1 : 0);
        if (dot == std::string::npos)
            return std::nullopt;
        name = name.substr(parents ? dot + 1 : dot);
    }
}

// 192.0.2.1, 192.0.2, 192.0, 192; the same with colons for IPv6.
Found find_address_block(const dict::TableList& table, const std::string& address) {
    char separator = address.find(':') != std::string::npos ? ':' : '.';
    std::string key = address;
    dict::KeyKind kind = dict::KeyKind::whole;
    for (;;) {
        Found found = table.lookup(key, kind);
        if (!found || *found)
            return found;
        kind = dict::KeyKind::part;
        std::size_t cut = key.rfind(separator);
        if (cut == std::string::npos)
            return std::nullopt;
        key.resize(cut);
    }
}

// user@domain, the domain and its parents, user@.
Found find_mailbox(const dict::TableList& table, const address::Mailbox& mailbox, const Context& context) {
    if (mailbox.empty()) {
        return table.lookup("<>", dict::KeyKind::whole);  // smtpd_null_access_lookup_key
    }
    Found found = table.lookup(text::lower(mailbox.text()), dict::KeyKind::whole);
    if (!found || *found)
        return found;
    const auto& delimiters = context.services.params.recipient_delimiter();
    std::size_t cut = delimiters.empty() ? std::string::npos : mailbox.local.find_first_of(delimiters, 1);
    std::string base = text::lower(mailbox.local.substr(0, cut));
    if (cut != std::string::npos) {
        found = table.lookup(base + "@" + text::lower(mailbox.domain), dict::KeyKind::part);
        if (!found || *found)
            return found;
    }
    if (!mailbox.domain.empty()) {
        // The whole address was asked already: what follows are parts of it.
        std::string domain = text::lower(mailbox.domain);
        bool parents = includes_subdomains(context.services.params);
        for (;;) {
            found = table.lookup(domain, dict::KeyKind::part);
            if (!found || *found)
                return found;
            std::size_t dot = domain.find('.', domain.starts_with('.') ? 1 : 0);
            if (dot == std::string::npos)
                break;
            domain = domain.substr(parents ? dot + 1 : dot);
        }
    }
    return table.lookup(base + "@", dict::KeyKind::part);
}

struct Subject {
    std::string value;  // as the client gave it
    std::string what;   // "Client host"
    std::string dsn;
};

Subject subject_of(const std::string& name, const Facts& facts) {
    if (name == "check_helo_access")
        return {facts.helo, "Helo command", "5.7.1"};
    if (name == "check_sender_access")
        return {facts.sender_text, "Sender address", "5.7.1"};
    if (name == "check_recipient_access")
        return {facts.recipient_text, "Recipient address", "5.7.1"};
    if (name == "check_sasl_access")
        return {facts.login, "SASL login name", "5.7.1"};
    return {facts.client_name + "[" + facts.client_address + "]", "Client host", "5.7.1"};
}

Found look_up(const std::string& name, const dict::TableList& table, const Context& c, const Params& params) {
    const Facts& facts = c.facts;
    if (name == "check_helo_access")
        return facts.helo.empty() ? Found(std::nullopt) : find_domain(table, facts.helo, params);
    if (name == "check_sender_access")
        return facts.has_sender ? find_mailbox(table, facts.sender, c) : Found(std::nullopt);
    if (name == "check_recipient_access")
        return facts.has_recipient ? find_mailbox(table, facts.recipient, c) : Found(std::nullopt);
    if (name == "check_sasl_access")
        return facts.authenticated ? table.lookup(text::lower(facts.login)) : Found(std::nullopt);
    Found by_name = find_domain(table, facts.client_name, params);
    if (!by_name || *by_name)
        return by_name;
    return find_address_block(table, facts.client_address);
}

// The right-hand side of an entry.
Verdict act(const std::string& value, const Subject& subject, const Context& c, const Params& params) {
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
        if (auto check = find_check(text::lower(action), params); check && words.empty())
            return check(c);
        return trouble(fmt::format("access table {}: unknown action \"{}\" for {}", "", value, subject.value));
    }
    std::uint64_t number = *text::parse_number(action);
    // All digits: 4xx and 5xx are replies; any other number is an old form of OK.
    if (action.size() == 3 && number >= 400 && number <= 599)
        return say(static_cast<int>(number), number >= 500 ? "5.7.1" : "4.7.1", "Access denied");
    return permit();
}

}  // namespace

bool is_access_check(const std::string& name) {
    return name == "check_client_access" || name == "check_helo_access" || name == "check_sender_access" ||
           name == "check_recipient_access" || name == "check_sasl_access";
}

Verdict check_access(const std::string& name, const dict::TableList& table, const Context& context, const Params& params) {
    Found found = look_up(name, table, context, params);
    if (!found)
        return trouble(found.error().text);
    if (!*found)
        return dunno();
    return act(**found, subject_of(name, context.facts), context, params);
}

}  // namespace smtpd
