// test/unit/lib/config/expand_test.cc - the $name language. The wanted values are what postconf(1) of Postfix 3.7 gives.
#include "lib/config/expand.h"

#include "test/support/catch.h"

namespace {

struct Case {
    const char* text;
    const char* want;
};

const Case kCases[] = {
    {"plain", "plain"},
    {"$full", "Some"},
    {"${full}.z $full.z $(full)", "Some.z Some.z Some"},
    {"$$x", "$x"},
    {"${full?yes}", "yes"},
    {"${empty?yes}", ""},
    {"${empty:no way}", "no way"},
    {"${full?{yes}:{no}}", "yes"},
    {"${ full ? {yes} : {no} }", "yes"},
    {"${empty ? {yes} : {no}}", "no"},
    {"${full?yes:no}", "yes:no"},
    {"${full?{ sp yes }:{ no}}", "sp yes"},
    {"${full?x{y}z}", "x{y}z"},
    {"${full?{$full}:{$empty}}", "Some"},
    {"${{$full} == {b} ? {eq} : {ne}}", "ne"},
    {"${{10} < {9} ? {lt} : {ge}}", "ge"},
    {"${{a10} < {a9} ? {lt} : {ge}}", "lt"},
    {"${{10}<={9}?a:b}", ""},
    {"${{3.6} <level {3.10} ? {lt} : {ge}}", "lt"},
    {"${{3.6} >=level {2} ? {ge}}", "ge"},
    {"${{a} == {a}}", "true"},
    {"${{a} != {a}}", ""},
    {"${{a b} == {a b} ? {x}}", "x"},
    {"$missing!", "!"},
};

const char* const kWrong[] = {
    "${a-b}",
    "${full?{yes}trailing}",
    "${}",
    "${full",
    "$(full",
    "${{a} = {b}?c}",
    "${full:{x}:{y}}",
    "${{a} == b}",
    "${{x} <level {1}?y}",
    "$",
    "100$",
    "${full?{a}",
    "${{a}",
    "${ }",
};

config::Lookup lookup() {
    return [](std::string_view name) -> std::expected<std::optional<std::string>, std::string> {
        if (name == "full")
            return "Some";
        if (name == "empty")
            return "";
        return std::optional<std::string>();
    };
}

}  // namespace

TEST_CASE("$names are filled in", "[config]") {
    for (const Case& c : kCases) {
        CAPTURE(c.text);
        auto value = config::expand(c.text, lookup());
        REQUIRE(value.has_value());
        CHECK(*value == c.want);
    }
}

TEST_CASE("a broken $expression is refused with a reason", "[config]") {
    for (const char* text : kWrong) {
        CAPTURE(text);
        auto value = config::expand(text, lookup());
        REQUIRE_FALSE(value.has_value());
        CHECK_FALSE(value.error().empty());
    }
}

TEST_CASE("nesting is bounded", "[config]") {
    std::string text = "x";
    for (int i = 0; i < 5000; ++i)
        text = "${full?{" + text + "}}";
    CHECK_FALSE(config::expand(text, lookup()).has_value());
}

TEST_CASE("mentioned names are found, inside conditions too", "[config]") {
    auto names = config::referenced_names("$a ${b?{$c}} ${{$d} == {x} ? {$(e)}} $$f");
    CHECK(names == std::vector<std::string>{"a", "b", "c", "d", "e"});
}
