// Tables whose text is read into memory: texthash, inline; and the trivial ones: static, fail, environ.
#include <cstdlib>
#include <cstring>
#include <utility>

#include "lib/config/logical_lines.h"
#include "lib/config/main_cf.h"
#include "lib/config/values.h"
#include "lib/dict/folded_key.h"
#include "lib/dict/source_file.h"
#include "lib/dict/table.h"
#include "lib/dict/watched_file.h"
#include "lib/text/text.h"

namespace dict {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

class TextHash final : public Table {
  public:
    explicit TextHash(std::string path) : path_(std::move(path)) { refresh(); }

    question::Pending<Answer> ask(const question::Asker&, std::string_view key, question::Place* place) override {
        refresh();
        if (!loaded_)
            return std::unexpected(failure(reason_));
        FoldedKey folded(key, folds());
        auto found = entries_.find(std::string_view(folded));
        if (found == entries_.end())
            return std::optional<std::string>();
        if (place != nullptr)
            *place = {path_, found->second.line};
        return found->second.value;
    }

    bool stale() const override { return loaded_ && watched_.changed(); }
    std::vector<std::string> take_warnings() override { return std::exchange(warnings_, {}); }

    std::expected<Entries, Failure> list() override {
        if (!loaded_)
            return std::unexpected(failure(reason_));
        Entries all;
        for (const auto& [key, entry] : entries_)
            all.emplace_back(key, entry.value);
        return all;
    }

  private:
    struct Entry {
        std::string value;
        int line = 0;
    };

    void refresh() {
        if (loaded_ && !watched_.changed())
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
        SourceText source = parse_map_source(*content, path_);
        warnings_ = std::move(source.warnings);
        entries_.clear();
        for (SourceEntry& entry : source.entries) {
            if (!entries_.try_emplace(entry.key, Entry{std::move(entry.value), entry.line}).second)
                warnings_.push_back(
                    path_ + ", line " + std::to_string(entry.line) + ": duplicate entry: \"" + entry.key + "\"");
        }
        watched_ = std::move(watched);
        loaded_ = true;
    }

    std::string path_;
    std::string reason_;
    KeyedBy<Entry> entries_;
    std::vector<std::string> warnings_;
    WatchedFile watched_;
    bool loaded_ = false;
};

class Inline final : public Table {
  public:
    explicit Inline(KeyedBy<std::string> entries) : entries_(std::move(entries)) {}
    question::Pending<Answer> ask(const question::Asker&, std::string_view key, question::Place*) override {
        FoldedKey folded(key, folds());
        auto found = entries_.find(std::string_view(folded));
        return found == entries_.end() ? std::optional<std::string>() : found->second;
    }
    std::expected<Entries, Failure> list() override { return Entries(entries_.begin(), entries_.end()); }

  private:
    KeyedBy<std::string> entries_;
};

class Static final : public Table {
  public:
    explicit Static(std::string value) : value_(std::move(value)) {}
    question::Pending<Answer> ask(const question::Asker&, std::string_view, question::Place*) override { return value_; }
    bool is_pattern() const override { return true; }

  private:
    std::string value_;
};

class Fail final : public Table {
  public:
    question::Pending<Answer> ask(const question::Asker&, std::string_view, question::Place*) override {
        return std::unexpected(failure("always fails, as asked for"));
    }
    bool is_pattern() const override { return true; }
};

class Environ final : public Table {
  public:
    question::Pending<Answer> ask(const question::Asker&, std::string_view key, question::Place*) override {
        const char* value = std::getenv(std::string(key).c_str());
        return value == nullptr ? std::optional<std::string>() : std::optional<std::string>(value);
    }
};

}  // namespace

Opened open_texthash(const std::string& name) {
    if (name.empty())
        return std::unexpected(Failure{"a file name is missing"});
    return std::make_unique<TextHash>(name);
}

// inline:{ key=value, { key = text with blanks }, ... }
Opened open_inline(const std::string& name) {
    std::optional<std::string_view> items = config::unwrap_braces(name);
    if (!items)
        return std::unexpected(Failure{"need \"inline:{name=value...}\""});
    KeyedBy<std::string> entries;
    for (const std::string& item : config::split_list(*items)) {
        std::expected<config::NameValue, std::string> pair = config::split_name_value(item);
        if (!pair)
            return std::unexpected(Failure{pair.error() + "; need \"inline:{name=value...}\""});
        entries.try_emplace(text::lower(pair->name), pair->value);
    }
    if (entries.empty())
        return std::unexpected(Failure{"empty inline table; need \"inline:{name=value...}\""});
    return std::make_unique<Inline>(std::move(entries));
}

// static:value, or static:{ text with blanks }
Opened open_static(const std::string& name) {
    std::string_view value = name;
    if (value.starts_with('{')) {
        std::optional<std::string_view> inner = config::unwrap_braces(value);
        if (!inner)
            return std::unexpected(Failure{"need \"static:{value}\""});
        value = *inner;
    }
    return std::make_unique<Static>(std::string(value));
}

Opened open_fail(const std::string&) { return std::make_unique<Fail>(); }

Opened open_environ(const std::string&) { return std::make_unique<Environ>(); }

}  // namespace dict
