// test/unit/lib/config/main_cf_test.cc - main.cf and declared parameters.
#include "lib/config/main_cf.h"

#include "lib/config/common_params.h"
#include "lib/config/param.h"
#include "test/support/catch.h"

using namespace std::chrono_literals;
using config::MainCf;

namespace {

struct Params : config::ParamSet {
    config::Param<int> count{*this, "count", 20, {.min = 1, .max = 100}, "A number."};
    config::Param<std::chrono::seconds> wait{*this, "wait", "5d", {.min = 1s}, "A time in days."};
    config::Param<std::chrono::seconds> pause{*this, "pause", 300s, {.min = 1s}, "A time in seconds."};
    config::Param<bool> flag{*this, "flag", true, "A switch."};
    config::Param<std::string> text{*this, "text", "$count things", {.min = 1}, "A text."};
    config::Param<config::List> list{*this, "list", "a, b", "A list."};
    config::Param<config::Raw> raw{*this, "raw", "$recipient", "Kept."};
    config::Param<std::int64_t> big{*this, "big", 10240000, {.min = 0}, "A large number."};
};

}  // namespace

TEST_CASE("main.cf grammar", "[config]") {
    MainCf cf = MainCf::parse(
        "# comment\na = one,\n   two\n# in between\n\n\tthree   \nb=\n a = no\nc=x\nc = y\n", "main.cf");
    CHECK(cf.problems().empty());
    CHECK(cf.get("a") == "one,   two\tthree");
    CHECK(cf.get("b") == "a = no");
    CHECK(cf.get("c") == "y");
    CHECK(cf.find("c")->line == 10);
    CHECK_FALSE(cf.get("d").has_value());
}

TEST_CASE("wrong lines are reported with their place", "[config]") {
    MainCf cf = MainCf::parse("  x=y\nnothing\n=v\na b = c\ngood = 1\n", "main.cf");
    REQUIRE(cf.problems().size() == 4);
    CHECK(config::format_problem(cf.problems()[1]) == "main.cf, line 2: missing '=' after attribute name: \"nothing\"");
    CHECK(cf.problems()[2].line == 3);
    CHECK(cf.get("good") == "1");
}

TEST_CASE("values refer to each other, and a circle ends", "[config]") {
    MainCf cf = MainCf::parse("a = $b/$c\nb = ${d}1\nx = $y\ny = a$x\n", "main.cf");
    cf.set_default("d", "$e");
    cf.set_default("e", "deep");
    CHECK(cf.get("a") == "deep1/");
    CHECK_FALSE(cf.try_get("x").has_value());
    CHECK(cf.get("x") == "");
    cf.set("e", "option");
    CHECK(cf.get("a") == "option1/");
}

TEST_CASE("a transport has the general default until it is given its own", "[config]") {
    MainCf cf = MainCf::parse("default_destination_concurrency_limit = 7\nx_recipient_limit = 9\n", "main.cf");
    cf.set_default("default_recipient_limit", "20000");
    CHECK(cf.get("lmtp_destination_concurrency_limit") == "7");
    CHECK(cf.get("x_recipient_limit") == "9");
    CHECK(cf.get("y_recipient_limit") == "20000");
}

TEST_CASE("parameters take their values", "[config]") {
    Params params;
    CHECK(params.count() == 20);
    CHECK(params.wait() == 120h);
    MainCf cf = MainCf::parse(
        "count = 7\nwait = 2\npause = 1h 30m\nflag = NO\nlist = {x y}, z\nbig = 3000000000\n", "main.cf");
    config::Problems problems = params.load(cf);
    CHECK(problems.empty());
    CHECK(params.count() == 7);
    CHECK(params.wait() == 48h);
    CHECK(params.pause() == 90min);
    CHECK_FALSE(params.flag());
    CHECK(params.text() == "7 things");
    CHECK(params.list() == config::List{"x y", "z"});
    CHECK(params.raw().text == "$recipient");
    CHECK(params.big() == 3000000000);
}

TEST_CASE("bad values keep the default and are reported", "[config]") {
    struct Row {
        const char* text;
        const char* parameter;
    };
    const Row kRows[] = {
        {"count = many", "count"},
        {"count = 0", "count"},
        {"count = 101", "count"},
        {"count = 99999999999999999999", "count"},
        {"count =", "count"},
        {"wait = 5x", "wait"},
        {"wait = -1", "wait"},
        {"wait = 0", "wait"},
        {"flag = maybe", "flag"},
        {"text =", "text"},
        {"text = ${count", "text"},
        {"wait = 99999999999w", "wait"},
    };
    for (const Row& row : kRows) {
        CAPTURE(row.text);
        Params params;
        MainCf cf = MainCf::parse(row.text, "main.cf");
        config::Problems problems = params.load(cf);
        REQUIRE(problems.size() >= 1);
        CHECK(problems[0].parameter == row.parameter);
        CHECK(problems[0].line == 1);
        CHECK(params.wait() == 120h);
        CHECK(params.flag());
    }
}

TEST_CASE("the common parameters stand by themselves", "[config]") {
    config::CommonParams params;
    MainCf cf = MainCf::parse("myhostname = mx.example.test\n", "main.cf");
    CHECK(params.load(cf).empty());
    CHECK(params.mydomain() == "example.test");
    CHECK(params.myorigin() == "mx.example.test");
    CHECK(params.mydestination() == config::List{"mx.example.test", "localhost.example.test", "localhost"});
    CHECK(params.relay_domains().empty());
    CHECK(params.mynetworks_style() == "host");
    CHECK(params.local_transport() == "local:mx.example.test");
    CHECK(params.syslog_name() == "malleposte");
    CHECK_FALSE(params.mynetworks().empty());
    for (const config::ParamBase* parameter : params.parameters()) {
        CAPTURE(parameter->name());
        CHECK(parameter->doc().ends_with('.'));
    }
}

TEST_CASE("an older compatibility_level brings older defaults", "[config]") {
    config::CommonParams params;
    MainCf cf = MainCf::parse("compatibility_level = 0\nmyhostname = mx.example.test\n", "main.cf");
    CHECK(params.load(cf).empty());
    CHECK(params.append_dot_mydomain());
    CHECK(params.relay_domains().size() == 3);
    CHECK(params.mynetworks_style() == "subnet");
}
