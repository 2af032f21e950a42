// test/unit/lib/config/check_test.cc - unknown names in main.cf and master.cf.
#include "lib/config/check.h"

#include <algorithm>

#include "lib/config/known_names.h"
#include "test/support/catch.h"

using config::MainCf;
using config::MasterCf;

namespace {

const config::NameSet kDeclared{"myhostname", "smtpd_timeout", "mydestination"};

std::vector<std::string> names(const config::Problems& problems) {
    std::vector<std::string> list;
    for (const config::Problem& problem : problems)
        list.push_back(problem.parameter);
    return list;
}

}  // namespace

TEST_CASE("mistyped names are reported with the nearest one", "[config]") {
    MainCf main_cf = MainCf::parse("myhostname = a\nmyhostnam = b\nzzz = 1\nsmtpd_timout = 3s\n", "main.cf");
    auto found = config::check_names(main_cf, MasterCf(), kDeclared);
    CHECK(names(found.unknown) == std::vector<std::string>{"myhostnam", "smtpd_timout", "zzz"});
    CHECK(config::format_problem(found.unknown[0]) ==
          "main.cf, line 2: myhostnam: no such parameter; did you mean myhostname?");
    CHECK(found.unknown[2].text == "no such parameter, and nothing refers to it");
}

TEST_CASE("names of Postfix that are not built are told apart", "[config]") {
    MainCf main_cf = MainCf::parse("smtpd_sasl_auth_enable = yes\n", "main.cf");
    auto found = config::check_names(main_cf, MasterCf(), kDeclared);
    CHECK(found.unknown.empty());
    CHECK(names(found.no_effect) == std::vector<std::string>{"smtpd_sasl_auth_enable"});
}

TEST_CASE("user-defined and per-transport names are accepted", "[config]") {
    MainCf main_cf = MainCf::parse(
        "mydestination = $ours\nours = $deep\ndeep = x\nforgotten = $lost\nlost = 1\n"
        "fast_destination_concurrency_limit = 3\nother_destination_concurrency_limit = 3\nmailer_time_limit = 1h\n"
        "smtpd_restriction_classes = strict, lax\nstrict = permit\nlax = reject\nfrom_master = 1\n",
        "main.cf");
    MasterCf master_cf = MasterCf::parse(
        "fast unix - - n - - smtp -o smtpd_timeout=$from_master -o smtpd_timeot=3\nmailer unix - n n - - pipe\n",
        "master.cf");
    auto found = config::check_names(main_cf, master_cf, kDeclared);
    CHECK(names(found.unknown) ==
          std::vector<std::string>{"forgotten", "lost", "other_destination_concurrency_limit", "smtpd_timeot"});
}

TEST_CASE("the list of Postfix names is sorted", "[config]") {
    auto all = config::postfix_names();
    CHECK(std::ranges::is_sorted(all));
    CHECK(config::is_postfix_name("smtpd_recipient_restrictions"));
    CHECK_FALSE(config::is_postfix_name("smtpd_recipient_restriction"));
}

TEST_CASE("transport names take the longest suffix", "[config]") {
    auto split = config::split_transport_name("lmtp_destination_recipient_limit");
    REQUIRE(split);
    CHECK(split->transport == "lmtp");
    CHECK(split->suffix == "destination_recipient_limit");
    CHECK_FALSE(config::split_transport_name("_recipient_limit"));
}
