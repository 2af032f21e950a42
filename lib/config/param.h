// lib/config/param.h - how a program declares the parameters it reads.
//
//     struct Params : config::ParamSet {
//         config::Param<std::chrono::seconds> timeout{
//             *this, "smtpd_timeout", 300s, {.min = 1s},
//             "How long the server waits for the client to send a command or to take a reply."};
//     };
//     Params params;
//     config::Problems problems = params.load(main_cf);     // every declared name, checked
//     use(params.timeout());
//
// This is the only declaration of a parameter: reading and its checks, postconf, `malleposte check` and
// postconf(5) walk the set. A default is text as in main.cf and may mention other parameters; a default of the
// parameter's own type may be given as a value. Before load() a parameter has its default, as far as that
// mentions no other.
//
// Failure     load() reports bad values as Problems and keeps the default for them.
// Lifetime    a set cannot be copied or moved; its parameters point into it.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/config/problem.h"
#include "lib/config/values.h"

namespace config {

class ParamBase;

class ParamSet {
  public:
    ParamSet() = default;
    ParamSet(const ParamSet&) = delete;
    ParamSet& operator=(const ParamSet&) = delete;
    virtual ~ParamSet();

    // Makes the declared defaults known to cf, then reads every parameter from it.
    Problems load(MainCf& cf);
    void declare_defaults(MainCf& cf) const;

    const std::vector<ParamBase*>& parameters() const { return parameters_; }
    const ParamBase* find(std::string_view name) const;

  private:
    friend class ParamBase;
    std::vector<ParamBase*> parameters_;
};

enum class Kind { text, boolean, integer, time, list, raw };
std::string_view kind_name(Kind kind);

class ParamBase {
  public:
    ParamBase(const ParamBase&) = delete;
    ParamBase& operator=(const ParamBase&) = delete;
    virtual ~ParamBase();

    const std::string& name() const { return name_; }
    const std::string& default_text() const { return default_text_; }
    const MainCf::Derive& derive() const { return derive_; }
    const std::string& doc() const { return doc_; }
    virtual Kind kind() const = 0;
    virtual std::string bounds_text() const = 0;  // "at least 1", or empty

    // Takes the value, or tells what is wrong with it and changes nothing.
    virtual std::expected<void, std::string> assign(std::string_view text) = 0;

  protected:
    ParamBase(ParamSet& set, std::string_view name, std::string default_text, MainCf::Derive derive, std::string_view doc);
    void assign_default();

  private:
    std::string name_;
    std::string default_text_;
    MainCf::Derive derive_;
    std::string doc_;
};

// min and max of a number or a time; of a text's length. (Constants, not calls, as initialisers: gcc 12 fails
// with an internal error on calls here when a bound stands in a default member initialiser.)
template <class T>
inline constexpr T kLowest = std::numeric_limits<T>::min();
template <class T>
inline constexpr T kHighest = std::numeric_limits<T>::max();
inline constexpr std::chrono::seconds kNoTime{0};
inline constexpr std::chrono::seconds kLongestTime{std::numeric_limits<int>::max()};

template <class T>
struct Bounds {
    T min = kLowest<T>;
    T max = kHighest<T>;
};
template <>
struct Bounds<std::chrono::seconds> {
    std::chrono::seconds min = kNoTime;
    std::chrono::seconds max = kLongestTime;
};
template <class T>
requires(std::is_same_v<T, std::string> || std::is_same_v<T, List> || std::is_same_v<T, Raw>) struct Bounds<T> {
    std::size_t min = 0;
    std::size_t max = kHighest<std::size_t>;
};
template <>
struct Bounds<bool> {};

// The default of a Param<T>: text in main.cf's language, a T, or a function of the configuration. It lives as long as the
// declaration is being read, and holds nothing: declarations are long, and every program has some.
template <class T>
class Default {
  public:
    using Derive = std::string (*)(const MainCf&);

    Default(const char* value) : text_(value) {}
    Default(const std::string& value) : text_(value) {}
    Default(Derive value) : derive_(value) {}
    Default(bool value) requires std::is_same_v<T, bool> : text_(value ? "yes" : "no") {}
    template <class N>
    requires(std::is_integral_v<N>&& std::is_integral_v<T> && !std::is_same_v<T, bool>) Default(N value)
        : number_(value), is_number_(true) {}
    template <class Rep, class Period>
    requires std::is_same_v<T, std::chrono::seconds> Default(std::chrono::duration<Rep, Period> value)
        : number_(std::chrono::duration_cast<std::chrono::seconds>(value).count()), is_number_(true) {}

    std::string text() const;
    Derive derive() const { return derive_; }

  private:
    std::string_view text_;
    Derive derive_ = nullptr;
    std::int64_t number_ = 0;
    bool is_number_ = false;
};

template <class T>
class Param final : public ParamBase {
  public:
    Param(ParamSet& set, std::string_view name, const Default<T>& value, std::string_view doc);
    Param(ParamSet& set, std::string_view name, const Default<T>& value, const Bounds<T>& bounds, std::string_view doc);
    ~Param() override;

    const T& operator()() const { return value_; }
    // In place of what main.cf says: by a command line option, by a program that knows better, by a test.
    void set(T value) { value_ = std::move(value); }

    Kind kind() const override;
    std::string bounds_text() const override;
    std::expected<void, std::string> assign(std::string_view text) override;

  private:
    Bounds<T> bounds_;
    T value_{};
};

extern template class Param<std::string>;
extern template class Param<bool>;
extern template class Param<int>;
extern template class Param<std::int64_t>;
extern template class Param<std::chrono::seconds>;
extern template class Param<List>;
extern template class Param<Raw>;

}  // namespace config
