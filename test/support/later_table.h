// test/support/later_table.h - a table that answers when the test wants it to, as a table on a server does.
//
//     test::LaterTables later;                     // before the tables are opened
//     ... virtual_alias_maps = later:aliases ...
//     later["aliases"].entries["a@b.test"] = "c@d.test";
//     ... begin ...; CHECK(later["aliases"].waiting() == 1);
//     later["aliases"].answer();                   // everybody who waits now
#pragma once

#include <map>
#include <memory>
#include <string>

#include "lib/dict/table.h"
#include "lib/event/error.h"
#include "lib/event/signal.h"
#include "lib/text/text.h"

namespace test {

struct LaterTable {
    std::map<std::string, std::string> entries;
    bool fails = false;
    bool open = false;  // answers by itself, in the next turn
    int asked = 0;
    int cancelled = 0;
    std::unique_ptr<event::Notice> notice;
    int waiters = 0;

    int waiting() const { return waiters; }
    void answer() {
        if (notice)
            notice->notify_all();
    }
};

class LaterTables {
  public:
    LaterTables() {
        static const bool added = [] {
            dict::add_table_type(
                "later", [](const std::string& name) -> dict::Opened { return std::make_unique<Table>(name); });
            return true;
        }();
        static_cast<void>(added);
        tables().clear();
    }
    LaterTable& operator[](const std::string& name) { return tables()[name]; }

  private:
    static std::map<std::string, LaterTable>& tables() {
        static std::map<std::string, LaterTable> all;
        return all;
    }

    class Table final : public dict::Table {
      public:
        explicit Table(std::string name) : name_(std::move(name)) {}

      private:
        question::Pending<dict::Answer> ask(const question::Asker& asker, std::string_view key, question::Place*) override {
            return find(asker, folds() ? text::lower(key) : std::string(key));
        }
        event::Task<dict::Answer> find(const question::Asker& asker, std::string key) {
            LaterTable& table = tables()[name_];
            ++table.asked;
            if (table.open)
                co_await event::next_turn(*asker.loop);
            else
                co_await wait(asker, table);
            if (table.fails)
                co_return std::unexpected(failure("down"));
            auto found = table.entries.find(key);
            co_return found == table.entries.end() ? std::optional<std::string>() : found->second;
        }
        static event::Task<void> wait(const question::Asker& asker, LaterTable& table) {
            if (!table.notice)
                table.notice = std::make_unique<event::Notice>(*asker.loop);
            ++table.waiters;
            bool cancelled = false;
            try {
                co_await table.notice->wait();
            } catch (const event::StreamError&) {
                cancelled = true;
            }
            --table.waiters;
            table.cancelled += cancelled;
            if (cancelled)
                throw event::StreamError(event::StreamError::Kind::cancelled, "stopped");
        }
        std::string name_;
    };
};

}  // namespace test
