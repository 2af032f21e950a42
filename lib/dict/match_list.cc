#include "lib/dict/match_list.h"

#include <algorithm>

#include "lib/config/logical_lines.h"
#include "lib/dict/folded_key.h"
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
            (*table)->set_owner(name_);
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

// What a table is asked, one after the other: the text, the domains above it, the address.
class MatchList::Keys {
  public:
    Keys(const Subject& subject, ListKind kind, bool patterns) : subject_(subject), kind_(kind) {
        parents_ = !patterns && (kind == ListKind::parent_domains || kind == ListKind::domains);
        if (subject.has_text)
            next_ = subject.text;
        else
            take_address();
    }

    const std::optional<std::string_view>& get() const { return next_; }
    void advance() {
        if (at_address_) {
            next_.reset();
            return;
        }
        dot_ = parents_ ? subject_.text.find('.', dot_ + 1) : std::string::npos;
        if (dot_ == std::string::npos)
            take_address();
        else
            next_ = subject_.text.substr(kind_ == ListKind::parent_domains ? dot_ + 1 : dot_);
    }

  private:
    void take_address() {
        at_address_ = true;
        next_.reset();
        if (!subject_.address.empty())
            next_ = subject_.address;
    }

    const Subject& subject_;
    ListKind kind_;
    bool parents_ = false;
    bool at_address_ = false;
    std::size_t dot_ = 0;
    std::optional<std::string_view> next_;
};

bool MatchList::text_matches(const Entry& entry, std::string_view text) const {
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

// An entry that is no table.
Matched MatchList::entry_matches(const Entry& entry, const Subject& subject) const {
    if (!entry.unreadable.empty())
        return std::unexpected(failure(entry.unreadable));
    if (entry.network)
        return subject.ip && entry.network->contains(*subject.ip);
    return subject.has_text && text_matches(entry, subject.text);
}

// No value where the table has to be waited for.
std::optional<Matched> MatchList::table_at_once(const question::Asker& asker, Table& table, const Subject& subject) const {
    for (Keys keys(subject, kind_, table.is_pattern()); keys.get(); keys.advance()) {
        question::Pending<Answer> asked = table.lookup(asker, *keys.get());
        if (!asked.is_ready())
            return std::nullopt;
        if (!asked.value())
            return std::unexpected(failure(asked.value().error().text));
        if (asked.value()->has_value())
            return true;
    }
    return false;
}

event::Task<Matched> MatchList::table_later(const question::Asker& asker, Table& table, const Subject& subject) const {
    for (Keys keys(subject, kind_, table.is_pattern()); keys.get(); keys.advance()) {
        Answer answer = co_await table.lookup(asker, *keys.get());
        if (!answer)
            co_return std::unexpected(failure(answer.error().text));
        if (answer->has_value())
            co_return true;
    }
    co_return false;
}

void MatchList::write_down(const question::Asker& asker, const Subject& subject, const Entry* by) const {
    if (asker.record == nullptr)
        return;
    std::string what(subject.text);
    if (!subject.address.empty())
        what += "[" + std::string(subject.address) + "]";
    std::string said = by == nullptr ? "not listed" : (by->negated ? "not listed, by !" : "listed, by ") + by->text;
    asker.record->answered({name_, std::move(what)}, std::move(said));
}

question::Pending<Matched> MatchList::decide(const question::Asker& asker, const Subject& subject) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const Entry& entry = entries_[i];
        std::optional<Matched> matched = entry.table ? table_at_once(asker, *entry.table, subject)
                                                     : entry_matches(entry, subject);
        if (!matched)
            return decide_later(asker, subject, std::string(subject.text), std::string(subject.address), i);
        if (!*matched)
            return std::move(*matched);
        if (**matched) {
            write_down(asker, subject, &entry);
            return !entry.negated;
        }
    }
    write_down(asker, subject, nullptr);
    return false;
}

// From the first entry on that has to be waited for.
event::Task<Matched> MatchList::decide_later(
    const question::Asker& asker, Subject subject, std::string text, std::string address, std::size_t from) const {
    subject.text = text;
    subject.address = address;
    for (std::size_t i = from; i < entries_.size(); ++i) {
        const Entry& entry = entries_[i];
        Matched matched = false;
        if (entry.table)
            matched = co_await table_later(asker, *entry.table, subject);
        else
            matched = entry_matches(entry, subject);
        if (!matched)
            co_return matched;
        if (*matched) {
            write_down(asker, subject, &entry);
            co_return !entry.negated;
        }
    }
    write_down(asker, subject, nullptr);
    co_return false;
}

question::Pending<Matched> MatchList::matches(const question::Asker& asker, std::string_view asked) const {
    if (entries_.empty())
        return false;
    const FoldedKey lowered(asked, true);
    Subject subject;
    subject.text = lowered;
    return decide(asker, subject);
}

question::Pending<Matched> MatchList::matches_client(
    const question::Asker& asker, std::string_view host_name, std::string_view address) const {
    if (entries_.empty())
        return false;
    const FoldedKey lowered(host_name, true);
    Subject subject;
    subject.text = lowered;
    subject.has_text = !subject.text.empty() && subject.text != "unknown";
    subject.address = address;
    subject.ip = parse_ip(address);
    return decide(asker, subject);
}

bool MatchList::stale() const {
    return std::ranges::any_of(entries_, [](const Entry& e) { return e.table && e.table->stale(); });
}

}  // namespace dict
