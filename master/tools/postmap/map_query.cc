#include "master/tools/postmap/map_query.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "lib/command/command.h"
#include "lib/dict/table.h"
#include "lib/question/alone.h"
#include "lib/text/text.h"

namespace postmap {
namespace {

class Tables {
  public:
    Tables(const std::vector<std::string>& specs, const QueryOptions& options) : options_(options) {
        for (const std::string& spec : specs) {
            auto table = dict::Table::open(spec, options.default_type);
            if (!table)
                command::fatal(table.error().text);
            (*table)->set_fold(options.fold);
            for (const std::string& warning : (*table)->take_warnings())
                command::warn(warning);
            tables_.push_back(std::move(*table));
        }
    }

    std::optional<std::string> find(std::string_view key) {
        question::Record record;
        if (options_.explain)
            alone_.asker().record = &record;
        std::optional<std::string> value = search(key);
        fmt::print(stderr, "{}", record.text());
        alone_.asker().record = nullptr;
        return value;
    }

    bool print_found(std::string_view key) {
        std::optional<std::string> value = find(key);
        if (value)
            fmt::print("{}\t{}\n", key, *value);
        return value.has_value();
    }

  private:
    std::optional<std::string> search(std::string_view key) {
        for (const auto& table : tables_) {
            dict::Answer answer = alone_.wait(table->lookup(alone_.asker(), key));
            if (!answer)
                command::fatal(fmt::format("table {}: query error: {}", table->spec(), answer.error().text));
            if (!*answer)
                continue;
            if (!options_.values_are_files)
                return std::move(**answer);
            std::optional<std::string> content = text::decode_base64(**answer);
            if (!content)
                command::fatal(
                    fmt::format("table {}: the value of \"{}\" is not base64", table->spec(), text::printable(key)));
            return content;
        }
        return std::nullopt;
    }

    QueryOptions options_;
    question::Alone alone_;
    std::vector<std::unique_ptr<dict::Table>> tables_;
};

std::string_view take_line(std::string_view& text) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    return line;
}

}  // namespace

bool query(const std::vector<std::string>& specs, std::string_view key, const QueryOptions& options) {
    Tables tables(specs, options);
    std::optional<std::string> value = tables.find(key);
    if (value)
        fmt::print("{}\n", *value);
    return value.has_value();
}

bool query_lines(const std::vector<std::string>& specs, std::string_view text, const QueryOptions& options) {
    Tables tables(specs, options);
    bool found = false;
    while (!text.empty()) {
        std::string_view key = take_line(text);
        found = tables.print_found(key) || found;
    }
    return found;
}

bool query_message(
    const std::vector<std::string>& specs, std::string_view message, bool headers, bool body, const QueryOptions& options) {
    Tables tables(specs, options);
    bool found = false;
    std::string header;
    auto end_header = [&] {
        if (!header.empty() && headers)
            found = tables.print_found(header) || found;
        header.clear();
    };
    bool in_header = true;
    while (!message.empty()) {
        std::string_view line = take_line(message);
        if (!in_header) {
            if (body)
                found = tables.print_found(line) || found;
        } else if (line.empty()) {
            end_header();
            in_header = false;
        } else if (text::is_space(line.front()) && !header.empty()) {
            header += "\n" + std::string(line);
        } else {
            end_header();
            header = line;
        }
    }
    end_header();
    return found;
}

}  // namespace postmap
