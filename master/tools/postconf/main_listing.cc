#include "master/tools/postconf/main_listing.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/command/command.h"
#include "lib/config/expand.h"
#include "lib/config/known_names.h"

namespace postconf {
namespace {

class Lister {
  public:
    Lister(config::MainCf& cf, const config::MasterCf& master_cf, const all_params::Declarations& declared,
        const MainRequest& request)
        : cf_(cf), master_cf_(master_cf), declared_(declared), request_(request) {}

    void list_all() {
        config::NameSet names;
        if (request_.which != MainRequest::Which::explicit_only)
            names = all_params::names(declared_);
        if (request_.which != MainRequest::Which::defaults)
            add_settings(names);
        for (const std::string& name : names)
            print(name, *cf_.raw(name));
    }

    void list_named() {
        for (const std::string& name : request_.names) {
            const config::Setting* setting = cf_.find(name);
            bool known = declared_.contains(name) || config::split_transport_name(name).has_value();
            if (!known && setting == nullptr) {
                complain_about(name);
                continue;
            }
            if (request_.which == MainRequest::Which::explicit_only && setting == nullptr)
                continue;
            std::optional<std::string> value = request_.which == MainRequest::Which::defaults ? default_of(name)
                                                                                              : cf_.raw(name);
            if (value)
                print(name, *value);
            else
                complain_about(name);
        }
    }

  private:
    // What main.cf sets and something reads.
    void add_settings(config::NameSet& names) const {
        config::NameCheck check = config::check_names(cf_, master_cf_, all_params::names(declared_));
        config::NameSet unused;
        for (const config::Problem& problem : check.unknown)
            unused.insert(problem.parameter);
        for (const auto& [name, setting] : cf_.settings()) {
            if (!unused.contains(name))
                names.insert(name);
        }
    }

    std::optional<std::string> default_of(const std::string& name) const {
        auto found = declared_.find(name);
        if (found == declared_.end())
            return std::nullopt;
        const config::ParamBase& parameter = *found->second.parameter;
        return parameter.derive() ? parameter.derive()(cf_) : parameter.default_text();
    }

    void complain_about(const std::string& name) const {
        if (config::is_postfix_name(name)) {
            command::warn(fmt::format("{}: known to Postfix, not in effect here", name));
            return;
        }
        std::string near = config::nearest_name(name, all_params::names(declared_));
        command::warn(near.empty() ? fmt::format("{}: unknown parameter", name)
                                   : fmt::format("{}: unknown parameter; did you mean {}?", name, near));
    }

    void print(const std::string& name, const std::string& raw) {
        std::string value = raw;
        if (request_.expand) {
            for (const std::string& inner : config::referenced_names(raw)) {
                if (!cf_.raw(inner))
                    command::warn(fmt::format("{}/main.cf: undefined parameter: {}", cf_.directory(), inner));
            }
            auto expanded = request_.which == MainRequest::Which::defaults ? expand_default(raw) : cf_.try_get(name);
            if (!expanded)
                command::fatal(fmt::format("{}: {}", name, expanded.error()));
            value = expanded->value_or("");
        }
        fmt::print("{}\n", format_setting(name, value, request_.layout));
    }

    std::expected<std::optional<std::string>, std::string> expand_default(const std::string& raw) const {
        auto expanded = cf_.expand(raw);
        if (!expanded)
            return std::unexpected(expanded.error());
        return std::optional<std::string>(std::move(*expanded));
    }

    config::MainCf& cf_;
    const config::MasterCf& master_cf_;
    const all_params::Declarations& declared_;
    const MainRequest& request_;
};

}  // namespace

int list_main(config::MainCf& cf, const config::MasterCf& master_cf, const all_params::Declarations& declared,
    const MainRequest& request) {
    Lister lister(cf, master_cf, declared, request);
    if (request.names.empty())
        lister.list_all();
    else
        lister.list_named();
    return 0;
}

void warn_about_unused(
    const config::MainCf& cf, const config::MasterCf& master_cf, const all_params::Declarations& declared) {
    config::NameSet names = all_params::names(declared);
    for (const config::Problem& problem : config::check_names(cf, master_cf, names).unknown) {
        std::string value;
        if (const config::Setting* setting = cf.find(problem.parameter))
            value = setting->text;
        for (const config::Service& service : master_cf.services()) {
            if (service.file == problem.file && service.line == problem.line && service.find_override(problem.parameter))
                value = *service.find_override(problem.parameter);
        }
        std::string near = config::nearest_name(problem.parameter, names);
        command::warn(fmt::format("{}: unused parameter: {}={} (line {}{}{})", problem.file, problem.parameter, value,
            problem.line, near.empty() ? "" : "; did you mean ", near.empty() ? "" : near + "?"));
    }
}

}  // namespace postconf
