// test/unit/lib/config/master_cf_test.cc - the columns of master.cf.
#include "lib/config/master_cf.h"

#include "test/support/catch.h"

using namespace std::chrono_literals;
using config::MasterCf;
using config::ServiceType;

TEST_CASE("services and their options", "[config]") {
    MasterCf cf = MasterCf::parse(
        "# service type\n"
        "smtp      inet  n       -       y       -       -       smtpd -v\n"
        "  -o { smtpd_x = a b  c } -oa=b -o c=\n"
        "# comment\n"
        "  -o syslog_name=postfix/$service_name\n"
        "pickup    fifo  n       -       n       60      1       pickup\n"
        "qmgr unix n - n 300? 1 qmgr\n"
        "x unix - n n - 0 pipe flags=F argv=/bin/echo {a b} -o {} \n"
        "foo pass - - - - 0 bar\n",
        "master.cf");
    CHECK(cf.problems().empty());
    REQUIRE(cf.services().size() == 5);
    const config::Service& smtp = cf.services()[0];
    CHECK(smtp.key() == "smtp/inet");
    CHECK(smtp.line == 2);
    CHECK_FALSE(smtp.is_private);
    CHECK(smtp.unprivileged);
    CHECK(smtp.chroot);
    CHECK_FALSE(smtp.process_limit.has_value());
    CHECK(smtp.args == std::vector<std::string>{"-v"});
    REQUIRE(smtp.overrides.size() == 4);
    CHECK(smtp.overrides[0] == std::pair<std::string, std::string>("smtpd_x", "a b  c"));
    CHECK(*smtp.find_override("syslog_name") == "postfix/$service_name");
    CHECK(cf.services()[1].type == ServiceType::fifo);
    CHECK(cf.services()[1].wakeup == 60s);
    CHECK(cf.services()[1].process_limit == 1);
    CHECK(cf.services()[2].wakeup_if_used);
    CHECK(cf.services()[3].args == std::vector<std::string>{"flags=F", "argv=/bin/echo", "a b", "-o", ""});
    CHECK_FALSE(cf.services()[3].unprivileged);
    CHECK(cf.services()[3].is_private);
    CHECK(cf.find("foo", ServiceType::pass)->process_limit == 0);
}

TEST_CASE("wrong services are left out and reported", "[config]") {
    const char* const kWrong[] = {
        "a b",
        "a inet n",
        "a inet q - - - - x",
        "a foo n - - - - x",
        "a inet n - - x - x",
        "a inet n - - 0 x y",
        "a inet n - - 0 0 y -o",
        "a inet n - - 0 0 y -o foo",
        "a inet n - - 0 0 y -o {foo}",
        "  a inet n - - 0 0 y",
        "a inet n - - -1 - y",
        "a inet n - - 0 99999999999 y",
        "a inet n - - ? - y",
    };
    for (const char* text : kWrong) {
        CAPTURE(text);
        MasterCf cf = MasterCf::parse(std::string("good unix - - - - - z\n") + text + "\n", "master.cf");
        // A line that begins with blank space continues the service before it, which ends in odd arguments.
        if (text[0] == ' ')
            cf = MasterCf::parse(text, "master.cf");
        REQUIRE(cf.problems().size() == 1);
        CHECK(cf.problems()[0].line == (text[0] == ' ' ? 1 : 2));
    }
}

TEST_CASE("a service may stand only once", "[config]") {
    MasterCf cf = MasterCf::parse("a unix - - - - - x\na inet n - - - - x\na unix - - - - - y\n", "master.cf");
    CHECK(cf.services().size() == 2);
    REQUIRE(cf.problems().size() == 1);
    CHECK(cf.problems()[0].text == "service a/unix is there already, on line 1");
}
