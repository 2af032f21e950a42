// test/unit/lib/address/resolver_test.cc - transport, next hop and class of recipients; who exists; virtual aliases.
#include "lib/address/resolver.h"

#include "lib/address/path.h"
#include "lib/address/recipients.h"
#include "lib/address/virtual_alias.h"
#include "lib/question/alone.h"
#include "test/support/catch.h"
#include "test/support/later_table.h"

using address::parse_text;

namespace {

constexpr const char* kSite =
    "myhostname = mx.example.test\n"
    "mydestination = $myhostname, localhost, inline:{dept.example.test=x}\n"
    "virtual_mailbox_domains = vmail.test\n"
    "virtual_mailbox_maps = inline:{alice@vmail.test=x, @catch.vmail.test=x}\n"
    "virtual_alias_domains = alias.test, site.test\n"
    "virtual_alias_maps = inline:{info@alias.test=alice@vmail.test, {all@alias.test = alice@vmail.test, bob@far.test},"
    " loop@alias.test=loop2@alias.test, loop2@alias.test=loop@alias.test, self@vmail.test=self@vmail.test,"
    " {two@vmail.test = two@vmail.test, bob@far.test}, @site.test=@vmail.test, plus@alias.test=alice@vmail.test,"
    " postmaster=alice@vmail.test, bare@alias.test=alice}\n"
    "relay_domains = relay.test\n"
    "relay_recipient_maps = inline:{known@relay.test=x}\n"
    "local_recipient_maps = unix:passwd.byname inline:{listed=x}\n"
    "recipient_delimiter = +\n"
    "virtual_transport = lmtp:unix:private/lmtp-store\n"
    "alias_maps =\n";

struct Site {
    config::CommonParams params;
    config::MainCf cf;
    question::Alone alone;
    std::unique_ptr<address::Resolver> resolver;
    std::unique_ptr<address::VirtualAliases> aliases;
    std::unique_ptr<address::Recipients> recipients;

    explicit Site(std::string extra = "") : cf(config::MainCf::parse(kSite + extra, "main.cf")) {
        REQUIRE(params.load(cf).empty());
        resolver = std::make_unique<address::Resolver>(params, std::vector<std::string>{"192.0.2.2", "2001:db8::2"});
        aliases = std::make_unique<address::VirtualAliases>(params, *resolver);
        recipients = std::make_unique<address::Recipients>(params, *resolver, *aliases);
    }

    std::string route(const char* recipient, const char* sender = "someone@far.test") {
        auto route = alone.wait(resolver->resolve(alone.asker(), parse_text(sender), parse_text(recipient)));
        if (!route)
            return "!";
        return route->transport + " " + route->nexthop + " " + route->recipient.text() + (route->routed ? " routed" : "");
    }

    std::string exists(const char* recipient) {
        auto route = alone.wait(resolver->resolve(alone.asker(), parse_text("s@far.test"), parse_text(recipient)));
        if (!route)
            return "!";
        address::Existence found = alone.wait(recipients->check(alone.asker(), *route));
        return found.known == address::Known::known ? "yes" : found.known == address::Known::unknown ? found.text : "later";
    }

    std::string expand(const char* recipient) {
        auto expanded = alone.wait(aliases->expand(alone.asker(), parse_text(recipient)));
        if (!expanded)
            return "!";
        std::string all;
        for (const address::Mailbox& mailbox : *expanded)
            all += (all.empty() ? "" : " ") + mailbox.text();
        return all;
    }
};

struct Row {
    const char* recipient;
    const char* want;
};

}  // namespace

TEST_CASE("routes of a site without transport_maps", "[address]") {
    Site site;
    const Row kRows[] = {
        {"alice@mx.example.test", "local mx.example.test alice@mx.example.test"},
        {"alice@MX.Example.Test.", "local mx.example.test alice@MX.Example.Test"},
        {"alice", "local mx.example.test alice@mx.example.test"},
        {"alice@dept.example.test", "local mx.example.test alice@dept.example.test"},
        {"alice@[192.0.2.2]", "local mx.example.test alice@[192.0.2.2]"},
        {"alice@[IPv6:2001:db8:0::2]", "local mx.example.test alice@[IPv6:2001:db8:0::2]"},
        {"alice@[192.0.2.3]", "smtp [192.0.2.3] alice@[192.0.2.3]"},
        {"alice@vmail.test", "lmtp unix:private/lmtp-store alice@vmail.test"},
        {"x@alias.test", "error 5.1.1 User unknown in virtual alias table x@alias.test"},
        {"x@relay.test", "relay relay.test x@relay.test"},
        {"x@sub.relay.test", "relay sub.relay.test x@sub.relay.test"},
        {"x@far.test", "smtp far.test x@far.test"},
        {"", "local mx.example.test MAILER-DAEMON@mx.example.test"},
        // A local part that routes on is followed, and marked.
        {"user%far.test@localhost", "smtp far.test user@far.test routed"},
        {"far.test!user@localhost", "smtp far.test user@far.test routed"},
        {"user@far.test@localhost", "smtp far.test user@far.test routed"},
        {"a%b%far.test@mx.example.test", "smtp far.test a%b@far.test routed"},
        {"user%far.test@relay.test", "relay relay.test user%far.test@relay.test routed"},
        {"user%localhost@mx.example.test", "local mx.example.test user@localhost routed"},
        {"!@localhost", "local mx.example.test !@localhost routed"},
        {".!@far.test", "smtp far.test .!@far.test routed"},
        {"%@localhost", "local mx.example.test %@localhost routed"},
    };
    for (const Row& row : kRows) {
        CAPTURE(row.recipient);
        CHECK(site.route(row.recipient) == row.want);
    }
    std::string many = "a";
    for (int i = 0; i < 3000; ++i)
        many += "%localhost";
    CHECK(site.route((many + "@localhost").c_str()).ends_with(" routed"));
}

TEST_CASE("transport_maps and relayhost", "[address]") {
    Site site(
        "relayhost = [hub.example.test]:587\n"
        "transport_maps = inline:{a@far.test=lmtp:unix:x, far.test=smtp:[mx.far.test], .far.test=:[sub.far.test],"
        " {bad.test = error:5.7.1 no mail for that}, reset.test=smtp:, same.test=:, relay.test=:[inner]:26, "
        "vmail.test=virtual:}\n");
    const Row kRows[] = {
        {"a@far.test", "lmtp unix:x a@far.test"},
        {"a+ext@far.test", "lmtp unix:x a+ext@far.test"},
        {"b@far.test", "smtp [mx.far.test] b@far.test"},
        {"b@x.y.far.test", "smtp [sub.far.test] b@x.y.far.test"},
        {"b@bad.test", "error 5.7.1 no mail for that b@bad.test"},
        {"b@reset.test", "smtp reset.test b@reset.test"},
        {"b@same.test", "smtp [hub.example.test]:587 b@same.test"},
        {"b@other.test", "smtp [hub.example.test]:587 b@other.test"},
        {"b@relay.test", "relay [inner]:26 b@relay.test"},
        {"alice@vmail.test", "virtual vmail.test alice@vmail.test"},
    };
    for (const Row& row : kRows) {
        CAPTURE(row.recipient);
        CHECK(site.route(row.recipient) == row.want);
    }
}

TEST_CASE("the star, the sender's relayhost, and trouble", "[address]") {
    Site star("transport_maps = inline:{*=smtp:[hub]}\n");
    CHECK(star.route("x@anything.test") == "smtp [hub] x@anything.test");
    Site sender(
        "sender_dependent_relayhost_maps = inline:{a@far.test=[one], @far.test=[two], <>=[null]}\nrelayhost = [def]\n"
        "sender_dependent_default_transport_maps = inline:{t@far.test=slow}\n");
    CHECK(sender.route("x@o.test", "a@far.test") == "smtp [one] x@o.test");
    CHECK(sender.route("x@o.test", "b@far.test") == "smtp [two] x@o.test");
    CHECK(sender.route("x@o.test", "") == "smtp [null] x@o.test");
    CHECK(sender.route("x@o.test", "b@o.test") == "smtp [def] x@o.test");
    CHECK(sender.route("x@o.test", "t@far.test") == "slow [two] x@o.test");
    CHECK(sender.route("alice@vmail.test", "a@far.test") == "lmtp unix:private/lmtp-store alice@vmail.test");
    Site broken("transport_maps = fail:x\n");
    CHECK(broken.route("x@o.test") == "!");
    Site broken_list("relay_domains = fail:x\n");
    CHECK(broken_list.route("x@o.test") == "!");
    CHECK(broken_list.route("x@localhost") == "local mx.example.test x@localhost");
}

TEST_CASE("who exists", "[address]") {
    Site site;
    const Row kRows[] = {
        {"root@localhost", "yes"},
        {"root+ext@localhost", "yes"},
        {"listed@localhost", "yes"},
        {"no-such-user-here@localhost", "User unknown in local recipient table"},
        {"double-bounce@localhost", "yes"},
        {"postmaster", "yes"},
        {"alice@vmail.test", "yes"},
        {"ALICE@VMAIL.test", "yes"},
        {"alice+ext@vmail.test", "yes"},
        {"nobody@vmail.test", "User unknown in virtual mailbox table"},
        {"two@vmail.test", "yes"},
        {"info@alias.test", "yes"},
        {"info+ext@alias.test", "yes"},
        {"nobody@alias.test", "User unknown in virtual alias table"},
        {"nobody@site.test", "yes"},
        {"known@relay.test", "yes"},
        {"nobody@relay.test", "User unknown in relay recipient table"},
        {"x@far.test", "yes"},
    };
    for (const Row& row : kRows) {
        CAPTURE(row.recipient);
        CHECK(site.exists(row.recipient) == row.want);
    }
    Site broken("local_recipient_maps = fail:x\nshow_user_unknown_table_name = no\n");
    CHECK(broken.exists("a@localhost") == "later");
    CHECK(broken.exists("nobody@vmail.test") == "User unknown");
    Site open("local_recipient_maps =\n");
    CHECK(open.exists("no-such-user-here@localhost") == "yes");
}

TEST_CASE("virtual aliases", "[address]") {
    Site site;
    const Row kRows[] = {
        {"x@far.test", "x@far.test"},
        {"info@alias.test", "alice@vmail.test"},
        {"INFO@alias.test", "alice@vmail.test"},
        {"info+ext@alias.test", "alice+ext@vmail.test"},
        {"all@alias.test", "alice@vmail.test bob@far.test"},
        {"loop@alias.test", "!"},
        {"self@vmail.test", "self@vmail.test"},
        {"two@vmail.test", "two@vmail.test bob@far.test"},
        {"someone@site.test", "someone@vmail.test"},
        {"postmaster@mx.example.test", "alice@vmail.test"},
        {"bare@alias.test", "alice@mx.example.test"},
        {"nobody@alias.test", "nobody@alias.test"},
    };
    for (const Row& row : kRows) {
        CAPTURE(row.recipient);
        CHECK(site.expand(row.recipient) == row.want);
    }
    Site broken("virtual_alias_maps = fail:x\n");
    CHECK(broken.expand("a@far.test") == "!");
    Site large("virtual_alias_maps = inline:{ {a@far.test = b, c, d, e} }\nvirtual_alias_expansion_limit = 3\n");
    CHECK(large.expand("a@far.test") == "!");
}

TEST_CASE("values of tables are not expanded again", "[address]") {
    Site site("virtual_alias_maps = regexp:{ {/^(.*)@far.test$$/ $$1@vmail.test} }\n");
    CHECK(site.expand("$myhostname@far.test") == "$myhostname@vmail.test");
}

TEST_CASE("relay_domains written with a dot and its exception", "[address]") {
    Site site("relay_domains = .auf.test, !auf.test\nparent_domain_matches_subdomains = smtpd_access_maps\n");
    CHECK(site.route("x@ca.auf.test") == "relay ca.auf.test x@ca.auf.test");
    CHECK(site.route("x@a.b.auf.test") == "relay a.b.auf.test x@a.b.auf.test");
    CHECK(site.route("x@auf.test") == "smtp auf.test x@auf.test");
    CHECK(site.route("x@notauf.test") == "smtp notauf.test x@notauf.test");
}

TEST_CASE("completion", "[address]") {
    Site site("append_dot_mydomain = yes\nmyorigin = $mydomain\n");
    auto rewritten = [&](const char* text) { return site.resolver->rewrite(parse_text(text)).text(); };
    CHECK(rewritten("alice") == "alice@example.test");
    CHECK(rewritten("alice@host") == "alice@host.example.test");
    CHECK(rewritten("alice@host.test.") == "alice@host.test");
    CHECK(rewritten("site!alice") == "alice@site.example.test");
    CHECK(rewritten("alice%site.test") == "alice@site.test");
    CHECK(rewritten("a!b@c.test") == "a!b@c.test");
    CHECK(rewritten("") == "");
    CHECK(rewritten("alice@[192.0.2.1]") == "alice@[192.0.2.1]");
}

TEST_CASE("the same answers when every table has to be waited for", "[address]") {
    test::LaterTables later;
    struct Table {
        const char* name;
        std::map<std::string, std::string> entries;
    };
    const Table tables[] = {
        {"dest", {{"dept.example.test", "x"}}},
        {"boxes", {{"alice@vmail.test", "x"}}},
        {"aliases", {{"info@alias.test", "alice@vmail.test"}, {"@site.test", "@vmail.test"},
                        {"all", "alice@vmail.test, b@far.test"}}},
        {"transport", {{"far.test", "slow:relay.test"}, {".far.test", "slow:[sub.test]"}}},
        {"relayhost", {{"boss@far.test", "[two.test]"}}},
        {"relay", {{"relay.test", "x"}}},
    };
    for (const Table& table : tables) {
        later[table.name].open = true;
        later[table.name].entries = table.entries;
    }
    Site site(
        "mydestination = $myhostname, later:dest\nvirtual_mailbox_maps = later:boxes\nvirtual_alias_maps = later:aliases\n"
        "transport_maps = later:transport\nsender_dependent_relayhost_maps = later:relayhost\nrelay_domains = later:relay\n"
        "parent_domain_matches_subdomains =\n");
    CHECK(site.route("x@dept.example.test") == "local mx.example.test x@dept.example.test");
    CHECK(site.route("x@far.test") == "slow relay.test x@far.test");
    CHECK(site.route("x@a.far.test") == "slow [sub.test] x@a.far.test");
    CHECK(site.route("x@o.test", "boss@far.test") == "smtp [two.test] x@o.test");
    CHECK(site.route("x@relay.test") == "relay relay.test x@relay.test");
    CHECK(site.expand("info+x@alias.test") == "alice+x@vmail.test");
    CHECK(site.expand("bob@site.test") == "bob@vmail.test");
    CHECK(site.expand("all@mx.example.test") == "alice@vmail.test b@far.test");
    CHECK(site.exists("alice@vmail.test") == "yes");
    CHECK(site.exists("bob@vmail.test") == "User unknown in virtual mailbox table");
    later["aliases"].fails = true;
    CHECK(site.exists("alice@vmail.test") == "later");
    CHECK(site.expand("info@alias.test") == "!");
    later["dest"].fails = true;
    CHECK(site.route("x@far.test") == "!");
}

TEST_CASE("why a recipient goes where it goes", "[address]") {
    Site site("transport_maps = inline:{far.test=slow:relay.test}\n");
    question::Record record;
    site.alone.asker().record = &record;
    CHECK(site.route("bob@far.test") == "slow relay.test bob@far.test");
    CHECK(record.text() ==
          "mydestination: inline:{dept.example.test=x}: \"far.test\" -> not there\n"
          "mydestination: \"far.test\" -> not listed\n"
          "mydestination: inline:{dept.example.test=x}: \"far.test\" -> not there\n"
          "mydestination: \"far.test\" -> not listed\n"
          "virtual_alias_domains: \"far.test\" -> not listed\n"
          "virtual_mailbox_domains: \"far.test\" -> not listed\n"
          "relay_domains: \"far.test\" -> not listed\n"
          "transport_maps: inline:{far.test=slow:relay.test}: \"bob@far.test\" -> not there\n"
          "transport_maps: inline:{far.test=slow:relay.test}: \"far.test\" -> \"slow:relay.test\"\n"
          "= <bob@far.test> is of class default and goes by slow to relay.test\n");
    record.clear();
    CHECK(site.expand("all@alias.test") == "alice@vmail.test bob@far.test");
    CHECK(record.text().find("= <all@alias.test> stands for <bob@far.test>\n") != std::string::npos);
    record.clear();
    CHECK(site.exists("nobody@vmail.test") == "User unknown in virtual mailbox table");
    CHECK(record.text().ends_with("= <nobody@vmail.test> does not exist: User unknown in virtual mailbox table\n"));
}
