// lib/config/main_cf.h - the settings of main.cf and of -o options, and what they mean once $names are filled in.
//
// Standards   postconf(5): "name = value", continuation lines, comments; the last setting of a name wins
// Failure     a file that cannot be read or has a wrong line still gives a MainCf; problems() tells.
// Lifetime    values own their text.
// Trust       the file is the administrator's. Expansion is bounded in depth.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lib/config/problem.h"

namespace config {

struct Setting {
    std::string text;  // as written, blank space at both ends removed
    std::string file;  // empty: an -o option
    int line = 0;
};

// "name = value" as main.cf and -o have it; the reason when it is not.
struct NameValue {
    std::string name;
    std::string value;
};
std::expected<NameValue, std::string> split_name_value(std::string_view text);

class MainCf {
  public:
    // A default that can only be known on the host it runs on, such as mydomain.
    using Derive = std::function<std::string(const MainCf&)>;

    MainCf() = default;

    // Reads DIRECTORY/main.cf and sets config_directory, made absolute.
    static MainCf load(const std::string& directory);
    static MainCf parse(std::string_view text, const std::string& file_name);

    // An -o option: stronger than the file.
    void set(std::string_view name, std::string_view value);
    // The value of a name that nobody has set. A name declared twice keeps its first default.
    void set_default(std::string_view name, std::string text);
    void set_default(std::string_view name, Derive derive);

    const Setting* find(std::string_view name) const;             // as set; not the default
    std::optional<std::string> raw(std::string_view name) const;  // as set, else the default text

    // <transport>_destination_concurrency_limit and its kin have a default even where nobody declared them.
    // The value with every $name filled in; nothing for a name that is neither set nor declared.
    // A value that cannot be expanded reads as empty; check() reports it.
    std::optional<std::string> get(std::string_view name) const;
    std::expected<std::optional<std::string>, std::string> try_get(std::string_view name) const;
    std::expected<std::string, std::string> expand(std::string_view text) const;

    const std::map<std::string, Setting, std::less<>>& settings() const { return settings_; }
    const std::string& directory() const { return directory_; }
    const Problems& problems() const { return problems_; }

  private:
    struct Default {
        std::string text;
        Derive derive;
    };

    std::expected<std::optional<std::string>, std::string> value_of(std::string_view name, int depth) const;

    std::string directory_;
    std::map<std::string, Setting, std::less<>> settings_;
    std::map<std::string, Default, std::less<>> defaults_;
    Problems problems_;
};

}  // namespace config
