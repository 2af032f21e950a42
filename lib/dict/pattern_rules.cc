#include "lib/dict/pattern_rules.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "lib/config/logical_lines.h"
#include "lib/config/values.h"
#include "lib/dict/watched_file.h"
#include "lib/text/text.h"

namespace dict {
namespace {

constexpr int kMaxNesting = 100;

struct Piece {
    std::string text;
    std::size_t group = 0;  // 0: the text
};

struct Rule {
    enum class Kind { match, if_begin, endif } kind = Kind::match;
    bool negated = false;
    int line = 0;
    std::unique_ptr<Matcher> matcher;
    std::vector<Piece> result;
    std::size_t endif = 0;  // of an if_begin: index of its endif
};

// "$1", "${1}", "$(1)" and "$$" in a result.
std::expected<std::vector<Piece>, std::string> parse_result(std::string_view text) {
    std::vector<Piece> pieces;
    std::string plain;
    std::size_t i = 0;
    while (i < text.size()) {
        if (text[i] != '$') {
            plain += text[i++];
            continue;
        }
        if (i + 1 < text.size() && text[i + 1] == '$') {
            plain += '$';
            i += 2;
            continue;
        }
        ++i;
        char close = i < text.size() && text[i] == '{' ? '}' : i < text.size() && text[i] == '(' ? ')' : '\0';
        if (close != '\0')
            ++i;
        std::size_t start = i;
        while (i < text.size() && (text::is_alnum(text[i]) || text[i] == '_'))
            ++i;
        std::string_view name = text.substr(start, i - start);
        if (close != '\0') {
            if (i == text.size() || text[i] != close)
                return std::unexpected(std::string("bad replacement syntax"));
            ++i;
        }
        if (name.empty())
            return std::unexpected(std::string("bad replacement syntax"));
        std::optional<std::uint64_t> index = text::parse_number(name);
        if (!index)
            return std::unexpected(fmt::format("non-numeric replacement index \"{}\"", name));
        if (*index == 0 || *index > 1000)
            return std::unexpected(fmt::format("out of range replacement index \"{}\"", name));
        if (!plain.empty())
            pieces.push_back({std::exchange(plain, {}), 0});
        pieces.push_back({"", static_cast<std::size_t>(*index)});
    }
    if (!plain.empty() || pieces.empty())
        pieces.push_back({plain, 0});
    return pieces;
}

class RuleParser {
  public:
    RuleParser(const PatternSyntax& syntax, std::string file) : syntax_(syntax), file_(std::move(file)) {}

    void add(int line, bool starts_blank, std::string_view text) {
        line_ = line;
        if (starts_blank) {
            warn("logical line must not start with whitespace -- ignoring this line");
            return;
        }
        text = text::trim(text);
        if (is_keyword(text, "if"))
            add_if(text::trim(text.substr(2)));
        else if (is_keyword(text, "endif"))
            add_endif(text::trim(text.substr(5)));
        else
            add_match(text);
    }

    void finish() {
        while (!open_ifs_.empty()) {
            line_ = rules[open_ifs_.back()].line;
            warn("IF has no matching ENDIF");
            rules[open_ifs_.back()].endif = rules.size();
            open_ifs_.pop_back();
        }
    }

    std::vector<Rule> rules;
    std::vector<std::string> warnings;

  private:
    static bool is_keyword(std::string_view text, std::string_view word) {
        return text::starts_with_ignoring_case(text, word) &&
               (text.size() == word.size() || !text::is_alnum(text[word.size()]));
    }

    void warn(std::string_view what) {
        warnings.push_back(fmt::format("{} map {}, line {}: {}", syntax_.type, file_, line_, what));
    }

    bool take_pattern(std::string_view& text, Rule& rule) {
        rule.line = line_;
        while (text.starts_with('!')) {
            rule.negated = !rule.negated;
            text = text::trim(text.substr(1));
        }
        if (text.empty()) {
            warn("no " + std::string(syntax_.has_groups ? "regexp" : "pattern") + ": skipping this rule");
            return false;
        }
        auto matcher = syntax_.take(text);
        if (!matcher) {
            warn(matcher.error() + ": skipping this rule");
            return false;
        }
        rule.matcher = std::move(*matcher);
        text = text::trim(text);
        return true;
    }

    void add_if(std::string_view text) {
        Rule rule;
        rule.kind = Rule::Kind::if_begin;
        if (!take_pattern(text, rule))
            return;
        if (!text.empty()) {
            warn(fmt::format("ignoring extra text after IF statement: \"{}\"", text));
            warn("do not prepend whitespace to statements between IF and ENDIF");
        }
        if (open_ifs_.size() >= kMaxNesting) {
            warn("IF is nested too deeply: skipping this rule");
            return;
        }
        open_ifs_.push_back(rules.size());
        rules.push_back(std::move(rule));
    }

    void add_endif(std::string_view text) {
        if (open_ifs_.empty()) {
            warn("ignoring ENDIF without matching IF");
            return;
        }
        if (!text.empty())
            warn("ignoring extra text after ENDIF");
        rules[open_ifs_.back()].endif = rules.size();
        open_ifs_.pop_back();
        Rule rule;
        rule.kind = Rule::Kind::endif;
        rules.push_back(std::move(rule));
    }

    void add_match(std::string_view text) {
        Rule rule;
        if (!take_pattern(text, rule))
            return;
        if (text.empty())
            warn(syntax_.has_groups ? "no replacement text: using empty string" : "no lookup result: skipping this rule");
        if (text.empty() && !syntax_.has_groups)
            return;
        if (!syntax_.has_groups) {
            rule.result.push_back({std::string(text), 0});
            rules.push_back(std::move(rule));
            return;
        }
        auto result = parse_result(text);
        if (!result) {
            warn(result.error() + ": skipping this rule");
            return;
        }
        for (const Piece& piece : *result) {
            if (piece.group > 0 && rule.negated) {
                warn("$number found in negative match replacement text: skipping this rule");
                return;
            }
            if (piece.group > rule.matcher->group_count()) {
                warn(fmt::format("out of range replacement index \"{}\": skipping this rule", piece.group));
                return;
            }
        }
        rule.result = std::move(*result);
        rules.push_back(std::move(rule));
    }

    const PatternSyntax& syntax_;
    std::string file_;
    int line_ = 0;
    std::vector<std::size_t> open_ifs_;
};

class PatternTable final : public Table {
  public:
    PatternTable(std::string path, PatternSyntax syntax) : path_(std::move(path)), syntax_(std::move(syntax)) { refresh(); }
    PatternTable(RuleParser&& parsed, PatternSyntax syntax)
        : syntax_(std::move(syntax)),
          rules_(std::move(parsed.rules)),
          warnings_(std::move(parsed.warnings)),
          loaded_(true) {}

    question::Pending<Answer> ask(const question::Asker&, std::string_view key, question::Place* place) override {
        refresh();
        if (!loaded_)
            return std::unexpected(failure(reason_));
        Matcher::Groups groups;
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            const Rule& rule = rules_[i];
            if (rule.kind == Rule::Kind::endif)
                continue;
            auto matched = rule.matcher->match(key, groups);
            if (!matched)
                return std::unexpected(failure(fmt::format("line {}: {}", rule.line, matched.error())));
            bool holds = *matched != rule.negated;
            if (rule.kind == Rule::Kind::if_begin) {
                if (!holds)
                    i = rule.endif;  // the loop steps over the endif itself
            } else if (holds) {
                if (place != nullptr)
                    *place = {path_.empty() ? "(inline)" : path_, rule.line};
                return fill(rule, groups);
            }
        }
        return std::optional<std::string>();
    }

    bool is_pattern() const override { return true; }
    bool stale() const override { return loaded_ && !path_.empty() && watched_.changed(); }
    std::vector<std::string> take_warnings() override { return std::exchange(warnings_, {}); }

  private:
    static std::string fill(const Rule& rule, const Matcher::Groups& groups) {
        std::string result;
        for (const Piece& piece : rule.result) {
            if (piece.group == 0)
                result += piece.text;
            else if (piece.group < groups.size())
                result += groups[piece.group];
        }
        return result;
    }

    void refresh() {
        if (path_.empty() || (loaded_ && !watched_.changed()))
            return;
        WatchedFile watched(path_);
        if (!watched.is_open()) {
            if (!loaded_)
                reason_ = "open " + path_ + ": " + std::strerror(watched.error());
            return;
        }
        auto content = config::read_text_file(path_);
        if (!content) {
            reason_ = content.error();
            return;
        }
        RuleParser parser(syntax_, path_);
        for (const config::LogicalLine& line : config::split_logical_lines(*content))
            parser.add(line.line, line.starts_blank, line.text);
        parser.finish();
        rules_ = std::move(parser.rules);
        warnings_ = std::move(parser.warnings);
        watched_ = std::move(watched);
        loaded_ = true;
    }

    std::string path_;
    PatternSyntax syntax_;
    std::vector<Rule> rules_;
    std::vector<std::string> warnings_;
    std::string reason_;
    WatchedFile watched_;
    bool loaded_ = false;
};

}  // namespace

std::expected<Delimited, std::string> take_delimited(std::string_view& text, std::string_view stop_at) {
    char delimiter = text.front();
    if (text::is_alnum(delimiter))
        return std::unexpected(std::string("regexp delimiter must not be a letter or digit"));
    Delimited found;
    std::size_t i = 1;
    for (; i < text.size() && text[i] != delimiter; ++i) {
        found.pattern += text[i];
        if (text[i] == '\\' && i + 1 < text.size())
            found.pattern += text[++i];
    }
    if (i == text.size())
        return std::unexpected(fmt::format("no closing regexp delimiter \"{}\"", delimiter));
    ++i;
    for (; i < text.size() && !text::is_space(text[i]) && stop_at.find(text[i]) == std::string_view::npos; ++i)
        found.flags += text[i];
    text.remove_prefix(i);
    return found;
}

Opened open_pattern_table(const std::string& name, PatternSyntax syntax) {
    if (name.empty())
        return std::unexpected(Failure{"a file name is missing"});
    if (name.front() != '{')
        return std::make_unique<PatternTable>(name, std::move(syntax));
    std::optional<std::string_view> rules = config::unwrap_braces(name);
    if (!rules)
        return std::unexpected(Failure{"need \"" + syntax.type + ":{ {rule}... }\""});
    RuleParser parser(syntax, "(inline)");
    int number = 0;
    for (const std::string& rule : config::split_list(*rules))
        parser.add(++number, false, rule);
    parser.finish();
    return std::make_unique<PatternTable>(std::move(parser), std::move(syntax));
}

}  // namespace dict
