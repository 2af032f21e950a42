#include "lib/spf/spf.h"

#include <fmt/format.h>

#include "lib/dns/name.h"
#include "lib/spf/evaluation.h"
#include "lib/text/text.h"

namespace spf {
namespace {

struct Sender {
    std::string local_part, domain;
};

// 2.4 and 4.3: a sender without a local part, or no sender at all, is postmaster.
Sender sender_of(const Query& query, Identity identity) {
    if (identity == Identity::helo || query.sender.empty())
        return {"postmaster", query.helo};
    std::size_t at = query.sender.rfind('@');
    if (at == std::string::npos)
        return {"postmaster", query.sender};
    return {at == 0 ? "postmaster" : query.sender.substr(0, at), query.sender.substr(at + 1)};
}

std::string_view identity_name(Identity identity) { return identity == Identity::helo ? "helo" : "mailfrom"; }

// RFC 7208, 9.1: a dot-atom, or a quoted string without control characters.
std::string in_quotes(std::string_view value) {
    std::string text = "\"";
    for (char c : text::printable(value)) {
        if (c == '"' || c == '\\')
            text += '\\';
        text += c;
    }
    return text + "\"";
}

std::string value_of(std::string_view text) {
    bool atom = !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos;
    for (char c : text)
        atom = atom && (text::is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~.").find(c) != std::string_view::npos);
    return atom ? std::string(text) : in_quotes(text);
}

// Inside a comment, parentheses and backslashes would end or change it.
std::string comment(std::string_view text) {
    std::string safe;
    for (char c : text::printable(text)) {
        if (c == '(' || c == ')' || c == '\\')
            safe += '\\';
        safe += c;
    }
    return safe;
}

std::string sentence(const Verdict& verdict, const std::string& client) {
    const std::string& domain = verdict.domain;
    switch (verdict.result) {
    case Result::pass: return fmt::format("{} lets {} send", domain, client);
    case Result::fail: return fmt::format("{} does not let {} send", domain, client);
    case Result::softfail: return fmt::format("{} asks for suspicion towards {}", domain, client);
    case Result::neutral: return fmt::format("{} says nothing about {}", domain, client);
    case Result::none: return verdict.reason.empty() ? fmt::format("{} has no record", domain) : verdict.reason;
    default: return verdict.reason;
    }
}

}  // namespace

std::string_view result_name(Result result) {
    switch (result) {
    case Result::none: return "none";
    case Result::neutral: return "neutral";
    case Result::pass: return "pass";
    case Result::fail: return "fail";
    case Result::softfail: return "softfail";
    case Result::temperror: return "temperror";
    case Result::permerror: return "permerror";
    }
    return "";
}

event::Task<Verdict> check(dns::Resolver& resolver, Query query, Identity identity, Limits limits) {
    Sender sender = sender_of(query, identity);
    std::string domain = sender.domain;
    if (domain.ends_with('.'))
        domain.pop_back();
    Evaluation evaluation(resolver, std::move(query), limits, sender.local_part, domain);
    Verdict verdict = co_await evaluation.run(domain);
    verdict.identity = identity;
    co_return verdict;
}

std::string received_spf(const Verdict& verdict, const Query& query) {
    std::string client = dns::address_text(query.client);
    std::string receiver = query.receiver.empty() ? "" : query.receiver + ": ";
    std::string value = fmt::format("{} ({}{}) client-ip={}; envelope-from={}; helo={}; identity={};",
        result_name(verdict.result), comment(receiver), comment(sentence(verdict, client)), value_of(client),
        in_quotes(query.sender), value_of(query.helo), identity_name(verdict.identity));
    if (!query.receiver.empty())
        value += fmt::format(" receiver={};", value_of(query.receiver));
    if (!verdict.mechanism.empty())
        value += fmt::format(" mechanism={};", value_of(verdict.mechanism));
    bool problem = verdict.result == Result::temperror || verdict.result == Result::permerror;
    if (problem && !verdict.reason.empty())
        value += fmt::format(" problem={};", in_quotes(verdict.reason));
    return value;
}

}  // namespace spf
