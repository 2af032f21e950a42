#include "lib/config/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "lib/config/expand.h"
#include "lib/config/known_names.h"
#include "lib/config/values.h"

namespace config {
namespace {

// Levenshtein distance, given up once it must exceed `limit`.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
    if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit)
        return limit + 1;
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row[b.size()];
}

bool is_service_name(const MasterCf& master_cf, std::string_view name) {
    return std::ranges::any_of(master_cf.services(), [&](const Service& s) { return s.name == name; });
}

class Checker {
  public:
    Checker(const MainCf& main_cf, const MasterCf& master_cf, const NameSet& declared)
        : main_cf_(main_cf), master_cf_(master_cf), declared_(declared) {}

    NameCheck run() {
        find_user_defined();
        for (const auto& [name, setting] : main_cf_.settings()) {
            if (setting.line > 0)
                look_at(name, setting.file, setting.line);
        }
        for (const Service& service : master_cf_.services()) {
            for (const auto& [name, value] : service.overrides)
                look_at(name, service.file, service.line);
        }
        return std::move(result_);
    }

  private:
    bool has_effect(std::string_view name) const {
        if (declared_.contains(name))
            return true;
        std::optional<TransportName> dynamic = split_transport_name(name);
        if (dynamic && is_service_name(master_cf_, dynamic->transport))
            return true;
        return name.ends_with("_time_limit") && is_service_name(master_cf_, name.substr(0, name.size() - 11));
    }

    bool is_known(std::string_view name) const { return has_effect(name) || is_postfix_name(name); }

    // Names that a value with effect mentions, and names that those mention, and so on.
    void find_user_defined() {
        std::vector<std::string> fresh;
        auto mention = [&](std::string_view text) {
            for (std::string& name : referenced_names(text))
                fresh.push_back(std::move(name));
        };
        for (const auto& [name, setting] : main_cf_.settings()) {
            if (is_known(name))
                mention(setting.text);
            if (name == "smtpd_restriction_classes")
                std::ranges::copy(split_list(setting.text), std::back_inserter(fresh));
        }
        for (const Service& service : master_cf_.services()) {
            for (const auto& [name, value] : service.overrides)
                mention(value);
            for (const std::string& argument : service.args)
                mention(argument);
        }
        while (!fresh.empty()) {
            std::string name = std::move(fresh.back());
            fresh.pop_back();
            if (!user_defined_.insert(name).second)
                continue;
            if (const Setting* setting = main_cf_.find(name))
                mention(setting->text);
        }
    }

    void look_at(const std::string& name, const std::string& file, int line) {
        if (has_effect(name) || user_defined_.contains(name))
            return;
        if (is_postfix_name(name)) {
            result_.no_effect.push_back({file, line, name, "known to Postfix, not in effect here", false});
            return;
        }
        std::string near = nearest_name(name, declared_);
        result_.unknown.push_back({file, line, name,
            near.empty() ? std::string("no such parameter, and nothing refers to it")
                         : fmt::format("no such parameter; did you mean {}?", near),
            false});
    }

    const MainCf& main_cf_;
    const MasterCf& master_cf_;
    const NameSet& declared_;
    NameSet user_defined_;
    NameCheck result_;
};

}  // namespace

NameCheck check_names(const MainCf& main_cf, const MasterCf& master_cf, const NameSet& declared) {
    return Checker(main_cf, master_cf, declared).run();
}

std::string nearest_name(std::string_view name, const NameSet& declared) {
    std::size_t best = std::max<std::size_t>(2, name.size() / 4);
    std::string nearest;
    auto consider = [&](std::string_view candidate) {
        std::size_t distance = edit_distance(name, candidate, best);
        if (distance < best || (distance == best && nearest.empty())) {
            best = distance;
            nearest = candidate;
        }
    };
    for (const std::string& candidate : declared)
        consider(candidate);
    for (std::string_view candidate : postfix_names())
        consider(candidate);
    return nearest;
}

}  // namespace config
