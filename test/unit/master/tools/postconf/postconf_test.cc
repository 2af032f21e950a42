// test/unit/master/tools/postconf/postconf_test.cc - layout and edits; the wanted texts are what Postfix 3.7 makes.
#include "master/tools/postconf/edit.h"
#include "master/tools/postconf/layout.h"

#include "lib/config/logical_lines.h"
#include "master/tools/all_params/all_params.h"
#include "test/support/catch.h"
#include "test/support/temporary_folder.h"

namespace {

std::string service_text(const char* line, bool fold) {
    config::MasterCf cf = config::MasterCf::parse(line, "master.cf");
    REQUIRE(cf.services().size() == 1);
    return postconf::format_service(cf.services()[0], fold);
}

}  // namespace

TEST_CASE("settings are laid out and folded", "[postconf]") {
    CHECK(postconf::format_setting("a", "b  c\n\td", {}) == "a = b c d");
    CHECK(postconf::format_setting("a", "", {}) == "a =");
    CHECK(postconf::format_setting("a", "b", {.names = false}) == "b");
    CHECK(postconf::format_setting("a", "b", {.values = false}) == "a");
    CHECK(postconf::format_setting("mynetworks",
              "127.0.0.0/8, [::1]/128, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 192.0.2.0/24", {.fold = true}) ==
          "mynetworks = 127.0.0.0/8, [::1]/128, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16,\n    192.0.2.0/24");
}

TEST_CASE("services are laid out in columns", "[postconf]") {
    CHECK(service_text("smtp inet n - y - - smtpd -v -o { x = a b } -oy=z", false) ==
          "smtp       inet  n       -       y       -       -       smtpd -v -o {x=a b} -o y=z");
    CHECK(service_text("smtp inet n - y - - smtpd -v -o { x = a b } -oy=z", true) ==
          "smtp       inet  n       -       y       -       -       smtpd -v\n    -o {x=a b}\n    -o y=z");
    CHECK(service_text("127.0.0.1:25 inet n - n - - smtpd", false) ==
          "127.0.0.1:25 inet n      -       n       -       -       smtpd");
}

TEST_CASE("edits leave everything else alone", "[postconf]") {
    test::TemporaryFolder folder;
    folder.write("main.cf", "# top\na = 1,\n  2\n# between\n  3\nb=x\n\nc = y\nb = again\n");
    postconf::edit_main(folder.path(), postconf::Edit::set, {"b = new", "d=$a"});
    CHECK(
        *config::read_text_file(folder.path("main.cf")) == "# top\na = 1,\n  2\n# between\n  3\nb = new\n\nc = y\nd = $a\n");
    postconf::edit_main(folder.path(), postconf::Edit::set, {"a=4"});
    CHECK(*config::read_text_file(folder.path("main.cf")) == "# top\na = 4\n# between\nb = new\n\nc = y\nd = $a\n");
    postconf::edit_main(folder.path(), postconf::Edit::comment_out, {"c"});
    postconf::edit_main(folder.path(), postconf::Edit::remove, {"d"});
    CHECK(*config::read_text_file(folder.path("main.cf")) == "# top\na = 4\n# between\nb = new\n\n#c = y\n");
}

TEST_CASE("services are edited", "[postconf]") {
    test::TemporaryFolder folder;
    folder.write("master.cf", "# top\nsmtp inet n - y - - smtpd\n  -o x=1 -o y=2\n# end\n");
    postconf::edit_service_parameters(folder.path(), postconf::Edit::set, {"smtp/inet/x=7"});
    postconf::edit_fields(folder.path(), {"smtp/inet/chroot=n"});
    postconf::edit_services(folder.path(), postconf::Edit::set, {"foo/unix=foo unix - - n - 3 smtp"});
    CHECK(*config::read_text_file(folder.path("master.cf")) ==
          "# top\nsmtp       inet  n       -       n       -       -       smtpd\n    -o x=7\n    -o y=2\n# end\n"
          "foo        unix  -       -       n       -       3       smtp\n");
    postconf::edit_service_parameters(folder.path(), postconf::Edit::remove, {"smtp/inet/x"});
    postconf::edit_services(folder.path(), postconf::Edit::remove, {"foo/unix"});
    CHECK(*config::read_text_file(folder.path("master.cf")) ==
          "# top\nsmtp       inet  n       -       n       -       -       smtpd\n    -o y=2\n# end\n");
}

TEST_CASE("every program's parameters make sense", "[postconf]") {
    auto programs = all_params::make_all();
    auto declared = all_params::declarations(programs);
    config::MainCf cf;
    all_params::declare_defaults(declared, cf);
    CHECK(declared.size() > 100);
    for (const auto& [name, entry] : declared) {
        CAPTURE(name);
        CHECK(entry.parameter->doc().ends_with('.'));
        CHECK(
            name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos);
        CHECK(cf.try_get(name).has_value());
    }
    for (const auto& program : programs) {
        config::MainCf fresh;
        all_params::declare_defaults(declared, fresh);
        for (const config::Problem& problem : program.set->load(fresh))
            FAIL_CHECK(program.header << ": " << config::format_problem(problem));
        for (const config::ParamBase* parameter : program.set->parameters()) {
            CAPTURE(program.header, parameter->name());
            CHECK(parameter->default_text() == declared.at(parameter->name()).parameter->default_text());
        }
    }
}
