#include "imapd/sieve/events/rules.h"

#include <fmt/format.h>

#include "lib/imap/mailbox_name.h"
#include "lib/text/text.h"

namespace imapsieve {
namespace {

using Cause = MailboxEvent::Cause;

constexpr unsigned bit(Cause cause) { return 1U << static_cast<unsigned>(cause); }

std::string stored_name(std::string_view name) {
    return text::equal_ignoring_case(name, "INBOX") ? "INBOX" : imap::encode_utf7(name);
}

std::expected<unsigned, std::string> parse_causes(const std::string& text) {
    unsigned causes = 0;
    for (const std::string& name : config::split_tokens(text, ",")) {
        unsigned one = 0;
        for (const Cause cause : {Cause::append, Cause::copy, Cause::flag})
            if (text::equal_ignoring_case(name, cause_name(cause)))
                one = bit(cause);
        if (one == 0)
            return std::unexpected(fmt::format("\"{}\" is not one of APPEND, COPY and FLAG", name));
        causes |= one;
    }
    return causes;
}

std::expected<Rule, std::string> parse_rule(const std::string& entry) {
    constexpr std::string_view kFrom = "from=";
    Rule rule;
    std::vector<std::string> words;
    for (std::string& word : config::split_tokens(entry, " \t\r\n")) {
        if (words.size() == 2 && word.starts_with(kFrom)) {
            const std::string_view name = std::string_view(word).substr(kFrom.size());
            rule.from = stored_name(config::unwrap_braces(name).value_or(name));
        } else {
            words.push_back(std::move(word));
        }
    }
    if (words.size() != 3)
        return std::unexpected("a mailbox, causes, and the path of a script are expected");
    auto causes = parse_causes(words[1]);
    if (!causes)
        return std::unexpected(causes.error());
    rule.mailbox = stored_name(words[0]);
    rule.causes = *causes;
    rule.script = words[2];
    if (rule.causes == 0)
        return std::unexpected("a cause is expected: APPEND, COPY or FLAG");
    if (!rule.script.starts_with('/'))
        return std::unexpected(fmt::format("{} is not an absolute path", rule.script));
    if (!rule.from.empty() && rule.causes != bit(Cause::copy))
        return std::unexpected("from= goes with COPY alone");
    return rule;
}

}  // namespace

std::string_view cause_name(Cause cause) {
    switch (cause) {
    case Cause::append: return "APPEND";
    case Cause::copy: return "COPY";
    case Cause::flag: break;
    }
    return "FLAG";
}

std::expected<Rules, std::string> parse_rules(const config::List& entries) {
    Rules rules;
    for (const std::string& entry : entries) {
        auto rule = parse_rule(entry);
        if (!rule)
            return std::unexpected(fmt::format("{{ {} }}: {}", entry, rule.error()));
        rules.push_back(std::move(*rule));
    }
    return rules;
}

bool applies(const Rule& rule, Cause cause, std::string_view mailbox, std::string_view from) {
    return (rule.causes & bit(cause)) != 0 && (rule.mailbox == "*" || rule.mailbox == mailbox) &&
           (rule.from.empty() || (rule.from == from && rule.from != mailbox));
}

}  // namespace imapsieve
