#include "lib/dict/match_list.h"

#include <algorithm>

#include "lib/config/logical_lines.h"
#include "lib/text/text.h"

namespace dict {
namespace {

// A file may name further files; a circle ends here.
constexpr int kMaxFileDepth = 10;

bool looks_like_table(std::string_view pattern) {
    std::size_t colon = pattern.find(':');
    if (colon == std::string_view::npos || colon == 0 || pattern.front() == '[')
        return false;
    // An IPv6 address has colons too; no type of table is a number or has hexadecimal digits alone before the colon
    // and an address behind it.
    std::size_t slash = pattern.find('/');
    return !parse_ip(pattern.substr(0, slash)).has_value();
}

}  // namespace

ListKind domain_list_kind(std::string_view parameter, const config::List& parents) {
    bool parent = std::ranges::find(parents, parameter) != parents.end();
    return parent ? ListKind::parent_domains : ListKind::domains;
}

MatchList MatchList::open(std::string name, const config::List& patterns, ListKind kind) {
    MatchList list;
    list.name_ = std::move(name);
    list.kind_ = kind;
    for (const std::string& pattern : patterns)
        list.add(pattern, 0);
    return list;
}

void MatchList::add(std::string_view pattern, int depth) {
    Entry entry;
    while (pattern.starts_with('!')) {
        entry.negated = !entry.negated;
        pattern.remove_prefix(1);
    }
    if (pattern.empty()) {
        problems_.push_back(name_ + ": no pattern after '!'");
        return;
    }
    if (pattern.front() == '/') {
        add_file(std::string(pattern), entry.negated, depth);
        return;
    }
    entry.text = text::lower(pattern);
    if (looks_like_table(pattern)) {
        Opened table = Table::open(pattern);
        if (table) {
            for (const std::string& warning : (*table)->take_warnings())
                problems_.push_back(name_ + ": " + warning);
            entry.table = std::move(*table);
        } else {
            problems_.push_back(name_ + ": " + table.error().text);
            entry.unreadable = table.error().text;
        }
    } else if (kind_ == ListKind::addresses &&
               (pattern.front() == '[' || pattern.find('/') != std::string_view::npos || parse_ip(pattern).has_value())) {
        std::expected<Network, std::string> network = parse_network(pattern);
        if (network) {
            entry.network = *network;
        } else {
            problems_.push_back(name_ + ": " + network.error());
            entry.unreadable = network.error();
        }
    }
    entries_.push_back(std::move(entry));
}

void MatchList::add_file(const std::string& path, bool negated, int depth) {
    auto content = depth < kMaxFileDepth ? config::read_text_file(path)
                                         : std::unexpected("files that name files are nested too deeply: " + path);
    if (!content) {
        problems_.push_back(name_ + ": " + content.error());
        Entry entry;
        entry.negated = negated;
        entry.unreadable = content.error();
        entries_.push_back(std::move(entry));
        return;
    }
    std::string_view rest = *content;
    while (!rest.empty()) {
        std::size_t end = rest.find('\n');
        std::string_view line = text::trim(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (line.starts_with('#'))
            continue;
        for (const std::string& pattern : config::split_list(line))
            add(negated ? "!" + pattern : pattern, depth + 1);
    }
}

Matched MatchList::table_matches_domain(Table& table, const std::string& domain) const {
    Answer answer = table.lookup(domain);
    bool parents = kind_ == ListKind::parent_domains || kind_ == ListKind::domains;
    if (answer && !*answer && parents && !table.is_pattern()) {
        for (std::size_t dot = domain.find('.', 1); answer && !*answer && dot != std::string::npos;
             dot = domain.find('.', dot + 1))
            answer = table.lookup(std::string_view(domain).substr(kind_ == ListKind::parent_domains ? dot + 1 : dot));
    }
    if (!answer)
        return std::unexpected(failure(answer.error().text));
    return answer->has_value();
}

Matched MatchList::entry_matches_text(const Entry& entry, const std::string& text) const {
    if (!entry.unreadable.empty())
        return std::unexpected(failure(entry.unreadable));
    if (entry.table)
        return table_matches_domain(*entry.table, text);
    if (entry.network)
        return false;
    if (entry.text == text)
        return true;
    if (kind_ == ListKind::strings || text.size() <= entry.text.size())
        return false;
    if (!text.ends_with(entry.text))
        return false;
    if (kind_ == ListKind::domains || entry.text.starts_with('.'))
        return kind_ != ListKind::parent_domains && entry.text.starts_with('.');
    return text[text.size() - entry.text.size() - 1] == '.';
}

Matched MatchList::matches(std::string_view asked) const {
    std::string lowered = text::lower(asked);
    for (const Entry& entry : entries_) {
        Matched matched = entry_matches_text(entry, lowered);
        if (!matched)
            return matched;
        if (*matched)
            return !entry.negated;
    }
    return false;
}

Matched MatchList::matches_client(std::string_view host_name, std::string_view address) const {
    std::string lowered = text::lower(host_name);
    std::optional<IpAddress> ip = parse_ip(address);
    for (const Entry& entry : entries_) {
        Matched matched = false;
        if (!entry.unreadable.empty()) {
            matched = std::unexpected(failure(entry.unreadable));
        } else if (entry.network) {
            matched = ip && entry.network->contains(*ip);
        } else if (entry.table) {
            if (!lowered.empty() && lowered != "unknown")
                matched = table_matches_domain(*entry.table, lowered);
            if (matched && !*matched) {
                Answer answer = entry.table->lookup(address);
                matched = answer ? Matched(answer->has_value()) : std::unexpected(failure(answer.error().text));
            }
        } else if (!lowered.empty() && lowered != "unknown") {
            matched = entry_matches_text(entry, lowered);
        }
        if (!matched)
            return matched;
        if (*matched)
            return !entry.negated;
    }
    return false;
}

bool MatchList::stale() const {
    return std::ranges::any_of(entries_, [](const Entry& e) { return e.table && e.table->stale(); });
}

}  // namespace dict
