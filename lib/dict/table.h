// lib/dict/table.h - one lookup table, named "type:name" in main.cf.
//
// Types       lmdb (hash, btree), texthash, inline, static, regexp, pcre, cidr, unionmap, pipemap, randmap, environ,
//             fail, unix. "proxy:" in front of any of these changes nothing: they are answered in this process.
// Standards   DATABASE_README, regexp_table(5), pcre_table(5), cidr_table(5), lmdb_table(5)
// Waiting     lookup() gives a question::Pending: tables in memory and in indexed files answer at once, without suspending
//             whoever awaits it; a table elsewhere suspends the coroutine that asked, and nobody else.
// Failure     lookup() says Failure when the table cannot answer; that means "try later", never "not there".
//             open() fails for a type that does not exist or a name that makes no sense; a file that cannot be read
//             gives a table whose lookups fail until it can be.
// Lifetime    a table keeps its files open; it follows a file that is replaced, or says stale() where it cannot.
// Trust       keys come from strangers. Pattern matching is bounded. Values are the administrator's.
// Threads     a table belongs to one thread.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/question/asker.h"
#include "lib/question/pending.h"

namespace dict {

struct Failure {
    std::string text;  // "hash:/etc/aliases: open ...: No such file or directory"
};

// No value: the key is not there.
using Answer = std::expected<std::optional<std::string>, Failure>;

class Table {
  public:
    virtual ~Table() = default;

    // "type:name"; without a type, default_type.
    static std::expected<std::unique_ptr<Table>, Failure> open(
        std::string_view spec, std::string_view default_type = "lmdb");

    question::Pending<Answer> lookup(const question::Asker& asker, std::string_view key) {
        if (!asker.is_plain()) [[unlikely]]
            return ask_heeding(asker, std::string(key));
        return ask(asker, key, nullptr);
    }

    // Keys are patterns: partial keys (the domain of an address alone) must not be tried, because a pattern meant for
    // whole addresses could match them.
    virtual bool is_pattern() const { return false; }
    // The file was replaced and this process cannot open the new one.
    virtual bool stale() const { return false; }
    // Mistakes in the table's text that were passed over, for the log.
    virtual std::vector<std::string> take_warnings() { return {}; }
    // All keys and values, in the order of the table; not every type can tell. (postmap -s)
    virtual std::expected<std::vector<std::pair<std::string, std::string>>, Failure> list();

    const std::string& spec() const { return spec_; }
    // The parameter that names the table, for records of decisions.
    void set_owner(std::string owner) { owner_ = std::move(owner); }
    // Keys of fixed tables are asked for in lower case, unless this is off (postmap -f).
    void set_fold(bool fold) { fold_ = fold; }

  protected:
    // A table that has to wait returns a task, which may keep `key` until it is awaited and no longer. `place` is for where
    // the entry stands; nullptr where nobody wants to know.
    virtual question::Pending<Answer> ask(const question::Asker& asker, std::string_view key, question::Place* place) = 0;
    bool folds() const { return fold_; }
    Failure failure(std::string_view text) const { return {spec_ + ": " + std::string(text)}; }

  private:
    event::Task<Answer> ask_heeding(const question::Asker& asker, std::string key);

    std::string spec_;
    std::string owner_;
    bool fold_ = true;
};

// The types that open() knows, in the order of postconf -m.
std::vector<std::string> table_types();

// "type" and "name" of a spec, with proxy: taken off; lmdb, hash and btree give "lmdb".
struct TableName {
    std::string type;
    std::string name;
};
TableName split_table_name(std::string_view spec, std::string_view default_type = "lmdb");

// Makes for each type; the name is what stands behind "type:".
using Opened = std::expected<std::unique_ptr<Table>, Failure>;
// A type that lives outside of this library, such as one that asks a server: only the programs that want it link it. To be
// called before the first table is opened.
void add_table_type(std::string name, std::function<Opened(const std::string& name)> open);

Opened open_lmdb(const std::string& name);
Opened open_texthash(const std::string& name);
Opened open_inline(const std::string& name);
Opened open_static(const std::string& name);
Opened open_fail(const std::string& name);
Opened open_environ(const std::string& name);
Opened open_regexp(const std::string& name);
Opened open_pcre(const std::string& name);
Opened open_cidr(const std::string& name);
Opened open_unionmap(const std::string& name);
Opened open_pipemap(const std::string& name);
Opened open_randmap(const std::string& name);
Opened open_unix(const std::string& name);

}  // namespace dict
