// Tables made of tables: unionmap:{a, b} joins all answers, pipemap:{a, b} feeds each answer to the next;
// randmap:{a, b} gives one of its values at random.
#include <random>

#include "lib/config/values.h"
#include "lib/dict/table.h"

namespace dict {
namespace {

using Parts = std::vector<std::unique_ptr<Table>>;

std::expected<config::List, Failure> parse_group(const std::string& name, std::string_view type) {
    std::optional<std::string_view> inner = config::unwrap_braces(name);
    if (!inner)
        return std::unexpected(Failure{"need \"" + std::string(type) + ":{...}\""});
    config::List items = config::split_list(*inner);
    if (items.empty())
        return std::unexpected(Failure{"empty list; need \"" + std::string(type) + ":{...}\""});
    return items;
}

std::expected<Parts, Failure> open_parts(const std::string& name, std::string_view type) {
    std::expected<config::List, Failure> specs = parse_group(name, type);
    if (!specs)
        return std::unexpected(specs.error());
    Parts parts;
    for (const std::string& spec : *specs) {
        Opened part = Table::open(spec);
        if (!part)
            return std::unexpected(part.error());
        parts.push_back(std::move(*part));
    }
    return parts;
}

class Combined : public Table {
  public:
    explicit Combined(Parts parts) : parts_(std::move(parts)) {}
    bool is_pattern() const override {
        for (const auto& part : parts_) {
            if (part->is_pattern())
                return true;
        }
        return false;
    }
    bool stale() const override {
        for (const auto& part : parts_) {
            if (part->stale())
                return true;
        }
        return false;
    }
    std::vector<std::string> take_warnings() override {
        std::vector<std::string> all;
        for (const auto& part : parts_) {
            for (std::string& warning : part->take_warnings())
                all.push_back(std::move(warning));
        }
        return all;
    }

  protected:
    Parts parts_;
};

class UnionMap final : public Combined {
  public:
    using Combined::Combined;
    question::Pending<Answer> ask(const question::Asker& asker, std::string_view key, question::Place*) override {
        return join(asker, std::string(key));
    }

  private:
    event::Task<Answer> join(const question::Asker& asker, std::string key) {
        std::optional<std::string> all;
        for (const auto& part : parts_) {
            Answer answer = co_await part->lookup(asker, key);
            if (!answer)
                co_return answer;
            if (!*answer)
                continue;
            if (all)
                *all += "," + **answer;
            else
                all = std::move(**answer);
        }
        co_return all;
    }
};

class PipeMap final : public Combined {
  public:
    using Combined::Combined;
    question::Pending<Answer> ask(const question::Asker& asker, std::string_view key, question::Place*) override {
        return feed(asker, std::string(key));
    }

  private:
    event::Task<Answer> feed(const question::Asker& asker, std::string current) {
        for (const auto& part : parts_) {
            Answer answer = co_await part->lookup(asker, current);
            if (!answer || !*answer)
                co_return answer;
            current = std::move(**answer);
        }
        co_return current;
    }
};

class RandMap final : public Table {
  public:
    explicit RandMap(config::List values) : values_(std::move(values)), engine_(std::random_device()()) {}
    question::Pending<Answer> ask(const question::Asker&, std::string_view, question::Place*) override {
        return values_[std::uniform_int_distribution<std::size_t>(0, values_.size() - 1)(engine_)];
    }
    bool is_pattern() const override { return true; }

  private:
    config::List values_;
    std::minstd_rand engine_;
};

}  // namespace

Opened open_unionmap(const std::string& name) {
    std::expected<Parts, Failure> parts = open_parts(name, "unionmap");
    if (!parts)
        return std::unexpected(parts.error());
    return std::make_unique<UnionMap>(std::move(*parts));
}

Opened open_pipemap(const std::string& name) {
    std::expected<Parts, Failure> parts = open_parts(name, "pipemap");
    if (!parts)
        return std::unexpected(parts.error());
    return std::make_unique<PipeMap>(std::move(*parts));
}

Opened open_randmap(const std::string& name) {
    std::expected<config::List, Failure> values = parse_group(name, "randmap");
    if (!values)
        return std::unexpected(values.error());
    return std::make_unique<RandMap>(std::move(*values));
}

}  // namespace dict
