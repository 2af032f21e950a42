// lib/sieve/problems.h - collects what is wrong with a script while it is compiled.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/sieve/ast.h"
#include "lib/sieve/script.h"

namespace sieve {

class Problems {
  public:
    Problems(std::string script, std::size_t limit) : script_(std::move(script)), limit_(limit) {}

    void error(ast::Place place, std::string_view token, std::string text) {
        ++errors_;
        add(Problem::Severity::error, place, token, std::move(text));
    }
    void warning(ast::Place place, std::string_view token, std::string text) {
        add(Problem::Severity::warning, place, token, std::move(text));
    }

    std::size_t errors() const { return errors_; }
    bool more_allowed() const { return errors_ < limit_; }
    const std::string& script() const { return script_; }

    std::vector<Problem> list;

  private:
    void add(Problem::Severity severity, ast::Place place, std::string_view token, std::string text) {
        constexpr std::size_t kMaxToken = 60;
        if (list.size() >= limit_)
            return;
        std::string shown(token.substr(0, kMaxToken));
        if (token.size() > kMaxToken)
            shown += "...";
        list.push_back({severity, script_, place.line, place.column, std::move(shown), std::move(text)});
    }

    std::string script_;
    std::size_t limit_;
    std::size_t errors_ = 0;
};

}  // namespace sieve
