#include "lib/config/param.h"

#include <fmt/format.h>

#include <stdexcept>

namespace config {
namespace {

using Checked = std::expected<void, std::string>;

template <class T>
std::string show(T value) {
    if constexpr (std::is_same_v<T, std::chrono::seconds>)
        return format_time(value);
    else
        return std::to_string(value);
}

template <class T>
std::string show_bounds(const Bounds<T>& bounds, std::string_view unit = "") {
    const Bounds<T> widest{};
    std::string text;
    if (bounds.min != widest.min)
        text = fmt::format("at least {}{}", show(bounds.min), unit);
    if (bounds.max != widest.max)
        text += fmt::format("{}at most {}{}", text.empty() ? "" : ", ", show(bounds.max), unit);
    return text;
}

template <class T>
Checked check_range(const T& value, const Bounds<T>& bounds) {
    if (value < bounds.min)
        return std::unexpected(fmt::format("{} is too small, the least is {}", show(value), show(bounds.min)));
    if (value > bounds.max)
        return std::unexpected(fmt::format("{} is too large, the most is {}", show(value), show(bounds.max)));
    return {};
}

template <class T>
Checked check_length(std::size_t size, const Bounds<T>& bounds) {
    if (size < bounds.min)
        return std::unexpected(
            size == 0 ? std::string("must not be empty") : fmt::format("is too short, at least {} are needed", bounds.min));
    if (size > bounds.max)
        return std::unexpected(fmt::format("is too long, the most is {}", bounds.max));
    return {};
}

// The unit of the default is the unit of a number written without one.
char default_unit(std::string_view default_text) {
    return default_text.empty() || std::string_view("smhdw").find(default_text.back()) == std::string_view::npos
               ? 's'
               : default_text.back();
}

template <class T>
std::expected<T, std::string> parse_value(std::string_view text, char unit) {
    if constexpr (std::is_same_v<T, bool>) {
        return parse_bool(text);
    } else if constexpr (std::is_same_v<T, std::chrono::seconds>) {
        return parse_time(text, unit);
    } else if constexpr (std::is_same_v<T, List>) {
        return split_list(text);
    } else if constexpr (std::is_same_v<T, std::string>) {
        return std::string(text);
    } else if constexpr (std::is_same_v<T, Raw>) {
        return Raw{std::string(text)};
    } else {
        std::expected<std::int64_t, std::string> number = parse_integer(text);
        if (!number)
            return std::unexpected(number.error());
        if (*number < std::numeric_limits<T>::min() || *number > std::numeric_limits<T>::max())
            return std::unexpected(fmt::format("{} is too large", *number));
        return static_cast<T>(*number);
    }
}

template <class T>
Checked check(const T& value, const Bounds<T>& bounds) {
    if constexpr (std::is_same_v<T, bool>)
        return {};
    else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, List>)
        return check_length(value.size(), bounds);
    else if constexpr (std::is_same_v<T, Raw>)
        return check_length(value.text.size(), bounds);
    else
        return check_range(value, bounds);
}

}  // namespace

std::string_view kind_name(Kind kind) {
    switch (kind) {
    case Kind::text: return "text";
    case Kind::boolean: return "yes or no";
    case Kind::integer: return "number";
    case Kind::time: return "time";
    case Kind::list: return "list";
    case Kind::raw: return "text, expanded when used";
    }
    return "";
}

ParamBase::ParamBase(
    ParamSet& set, std::string_view name, std::string default_text, MainCf::Derive derive, std::string_view doc)
    : name_(name), default_text_(std::move(default_text)), derive_(std::move(derive)), doc_(doc) {
    set.parameters_.push_back(this);
}

ParamBase::~ParamBase() = default;
ParamSet::~ParamSet() = default;

void ParamBase::assign_default() {
    if (derive_ || (kind() != Kind::raw && default_text_.find('$') != std::string::npos))
        return;
    if (Checked done = assign(default_text_); !done)
        throw std::logic_error(fmt::format("the default of {} is wrong: {}", name_, done.error()));
}

template <class T>
std::string Default<T>::text() const {
    if (!is_number_)
        return std::string(text_);
    if constexpr (std::is_same_v<T, std::chrono::seconds>)
        return format_time(std::chrono::seconds(number_));
    else
        return std::to_string(number_);
}

template <class T>
Param<T>::Param(ParamSet& set, std::string_view name, const Default<T>& value, std::string_view doc)
    : Param(set, name, value, Bounds<T>{}, doc) {}

template <class T>
Param<T>::Param(ParamSet& set, std::string_view name, const Default<T>& value, const Bounds<T>& bounds, std::string_view doc)
    : ParamBase(set, name, value.text(), value.derive() != nullptr ? MainCf::Derive(value.derive()) : nullptr, doc),
      bounds_(bounds) {
    assign_default();
}

template <class T>
Param<T>::~Param() = default;

template <class T>
Kind Param<T>::kind() const {
    if constexpr (std::is_same_v<T, bool>)
        return Kind::boolean;
    else if constexpr (std::is_same_v<T, std::string>)
        return Kind::text;
    else if constexpr (std::is_same_v<T, List>)
        return Kind::list;
    else if constexpr (std::is_same_v<T, Raw>)
        return Kind::raw;
    else if constexpr (std::is_same_v<T, std::chrono::seconds>)
        return Kind::time;
    else
        return Kind::integer;
}

template <class T>
std::string Param<T>::bounds_text() const {
    if constexpr (std::is_same_v<T, bool>) {
        return "";
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, List> || std::is_same_v<T, Raw>) {
        return bounds_.min > 0 ? "not empty" : "";
    } else {
        return show_bounds(bounds_);
    }
}

template <class T>
Checked Param<T>::assign(std::string_view text) {
    std::expected<T, std::string> value = parse_value<T>(text, default_unit(default_text()));
    if (!value)
        return std::unexpected(value.error());
    if (Checked fits = check(*value, bounds_); !fits)
        return fits;
    value_ = std::move(*value);
    return {};
}

template class Param<std::string>;
template class Param<bool>;
template class Param<int>;
template class Param<std::int64_t>;
template class Param<std::chrono::seconds>;
template class Param<List>;
template class Param<Raw>;

void ParamSet::declare_defaults(MainCf& cf) const {
    for (const ParamBase* parameter : parameters_) {
        if (parameter->derive())
            cf.set_default(parameter->name(), parameter->derive());
        else
            cf.set_default(parameter->name(), parameter->default_text());
    }
}

Problems ParamSet::load(MainCf& cf) {
    declare_defaults(cf);
    Problems problems;
    for (ParamBase* parameter : parameters_) {
        auto complain = [&](const std::string& text) {
            const Setting* setting = cf.find(parameter->name());
            // A number's default is safe; a protection that was meant to be on or off is not to be guessed.
            bool unsafe = parameter->kind() == Kind::boolean;
            problems.push_back({setting ? setting->file : cf.directory() + "/main.cf", setting ? setting->line : 0,
                parameter->name(), text, unsafe});
        };
        if (parameter->kind() == Kind::raw) {
            if (Checked done = parameter->assign(cf.raw(parameter->name()).value_or("")); !done)
                complain(done.error());
            continue;
        }
        auto value = cf.try_get(parameter->name());
        if (!value) {
            complain(value.error());
        } else if (Checked done = parameter->assign(value->value_or("")); !done) {
            complain(done.error());
        }
    }
    return problems;
}

const ParamBase* ParamSet::find(std::string_view name) const {
    for (const ParamBase* parameter : parameters_) {
        if (parameter->name() == name)
            return parameter;
    }
    return nullptr;
}

}  // namespace config
