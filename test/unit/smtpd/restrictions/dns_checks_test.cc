// The restrictions that ask the DNS, with the DNS served from memory.
#include "lib/dns/zone_data.h"
#include "smtpd/restrictions/reply_filter.h"
#include "smtpd/restrictions/table.h"
#include "smtpd/services.h"
#include "test/support/catch.h"
#include "test/support/later_table.h"
#include "test/support/temporary_folder.h"
#include "test/support/wait_for.h"

using namespace smtpd;

namespace {

constexpr std::string_view kZone = R"(
$ORIGIN test.
good A 192.0.2.1
mailonly MX 10 mail.good
null MX 0 .
v6only AAAA 2001:db8::1
1.2.0.192.in-addr.arpa. PTR liar.test.
2.0.0.127.list A 127.0.0.2
9.2.0.192.list A 127.0.0.4
9.2.0.192.list TXT "spam; see https://list.test/192.0.2.9"
*.sold A 203.0.113.80
*.parked A 127.0.0.1
bad.names A 127.0.1.2
8.b.d.0.1.0.0.2.list A 127.0.0.2
9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list A 127.0.0.2
)";

struct House {
    explicit House(const std::string& restrictions, std::initializer_list<std::pair<std::string, std::string>> more = {},
        question::DeskLimits limits = {}) {
        config::MainCf cf = config::MainCf::load(folder.path());
        cf.set("myhostname", "mx.home.test");
        cf.set("mydestination", "home.test");
        cf.set("local_recipient_maps", "");
        cf.set("alias_maps", "");
        cf.set("smtpd_recipient_restrictions", restrictions);
        for (const auto& [name, value] : more)
            cf.set(name, value);
        for (const config::Problem& problem : params.load(cf))
            FAIL(config::format_problem(problem));
        services = std::make_unique<Services>(params, cf, loop);
        auto data = std::make_unique<dns::ZoneData>();
        REQUIRE(dns::parse_zone_file(kZone, *data));
        data->set_trouble("down.test", dns::Status::temporary_failure);
        data->set_trouble("9.2.0.192.dead.test", dns::Status::temporary_failure);
        zone = data.get();
        services->gate.use_resolver(std::move(data), limits);
    }
    ~House() { services->close(); }

    event::Task<Verdict> evaluate(const Facts& facts) {
        question::Asker asker(loop);
        asker.record = &record;
        dns::Seat seat(services->gate.dns(), asker);
        const Inquiry who(asker, &seat);
        std::vector<Verdict> notes;
        Verdict verdict = co_await services->restrictions.evaluate(who, Stage::recipient, facts, *services, notes);
        co_return verdict;
    }

    test::TemporaryFolder folder;
    event::Loop loop;
    Params params;
    std::unique_ptr<Services> services;
    question::Record record;
    dns::ZoneData* zone = nullptr;
};

Facts facts_of(const std::string& client, const std::string& helo, const std::string& sender, const std::string& recipient) {
    Facts facts;
    facts.client_address = client;
    facts.helo = helo;
    facts.has_sender = facts.has_recipient = true;
    facts.sender = address::parse_text(sender);
    facts.sender_text = sender;
    facts.recipient = address::parse_text(recipient);
    facts.recipient_text = recipient;
    return facts;
}

std::string reply_to(const std::string& restrictions, const Facts& facts) {
    House house(restrictions);
    CHECK(house.services->problems().empty());
    Verdict verdict = test::wait_for(house.loop, house.evaluate(facts));
    if (verdict.kind == Verdict::Kind::permit)
        return "permit";
    return verdict.kind == Verdict::Kind::reject ? verdict.reply.text() : "";
}

}  // namespace

TEST_CASE("restrictions that ask the DNS", "[smtpd][restrictions]") {
    struct Case {
        const char *restrictions, *client, *helo, *sender, *want;
        const char* recipient = "alice@home.test";
    };
    const Case cases[] = {
        {"reject_unknown_sender_domain", "192.0.2.9", "h", "a@good.test", ""},
        {"reject_unknown_sender_domain", "192.0.2.9", "h", "a@mailonly.test", ""},
        {"reject_unknown_sender_domain", "192.0.2.9", "h", "a@v6only.test", ""},
        {"reject_unknown_sender_domain", "192.0.2.9", "h", "a@nowhere.test",
            "450 4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found"},
        {"reject_unknown_sender_domain", "192.0.2.9", "h", "a@down.test",
            "450 4.1.8 <a@down.test>: Sender address rejected: Domain not found"},
        {"reject_unknown_sender_domain", "192.0.2.9", "h", "a@null.test",
            "550 5.7.27 <a@null.test>: Sender address rejected: Domain null.test does not accept mail (nullMX)"},
        {"reject_unknown_sender_domain", "192.0.2.9", "h", "a@home.test", ""},
        {"reject_unknown_sender_domain", "192.0.2.9", "h", "", ""},
        {"reject_unknown_recipient_domain", "192.0.2.9", "h", "a@good.test",
            "450 4.1.2 <b@nowhere.test>: Recipient address rejected: Domain not found", "b@nowhere.test"},
        {"reject_unknown_recipient_domain", "192.0.2.9", "h", "a@good.test",
            "556 5.1.10 <b@null.test>: Recipient address rejected: Domain null.test does not accept mail (nullMX)",
            "b@null.test"},
        {"reject_unknown_helo_hostname", "192.0.2.9", "good.test", "", ""},
        {"reject_unknown_helo_hostname", "192.0.2.9", "[192.0.2.9]", "", ""},
        {"reject_unknown_helo_hostname", "192.0.2.9", "nowhere.test", "",
            "450 4.7.1 <nowhere.test>: Helo command rejected: Host not found"},
        {"reject_unknown_reverse_client_hostname", "192.0.2.1", "h", "", ""},
        {"reject_unknown_reverse_client_hostname", "192.0.2.9", "h", "",
            "450 4.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.9]"},
        {"reject_rbl_client list.test", "192.0.2.9", "h", "",
            "554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using list.test; spam; see "
            "https://list.test/192.0.2.9"},
        {"reject_rbl_client list.test", "192.0.2.1", "h", "", ""},
        {"reject_rbl_client list.test", "2001:db8::9", "h", "",
            "554 5.7.1 Service unavailable; Client host [2001:db8::9] blocked using list.test"},
        {"reject_rbl_client list.test=127.0.0.2", "192.0.2.9", "h", "", ""},
        {"reject_rbl_client list.test=127.0.0.[2..3;4]", "192.0.2.9", "h", "",
            "554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using list.test; spam; see "
            "https://list.test/192.0.2.9"},
        {"reject_rbl_client sold.test", "192.0.2.9", "h", "", ""},  // I21: answers outside 127/8 are no listing
        {"reject_rbl_client dead.test", "192.0.2.9", "h", "", ""},  // nor is a failure
        {"reject_rbl_client parked.test=127.0.0.[2..255]", "192.0.2.9", "h", "", ""},
        {"reject_rhsbl_sender names.test", "192.0.2.9", "h", "a@bad",
            "554 5.7.1 Service unavailable; Sender address [a@bad] blocked using names.test"},
        {"reject_rhsbl_helo names.test", "192.0.2.9", "bad", "",
            "554 5.7.1 Service unavailable; Helo command [bad] blocked using names.test"},
        {"reject_rhsbl_recipient names.test", "192.0.2.9", "h", "",
            "554 5.7.1 Service unavailable; Recipient address [x@bad] blocked using names.test", "x@bad"},
        {"reject_rhsbl_sender names.test", "192.0.2.9", "h", "a@;\n%n", ""},
        {"permit_dnswl_client list.test, reject", "192.0.2.9", "h", "", "permit"},
        {"permit_dnswl_client list.test, reject", "192.0.2.1", "h", "",
            "554 5.7.1 <alice@home.test>: Recipient address rejected: Access denied"},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.restrictions << " " << c.client << " " << c.helo << " " << c.sender << " " << c.recipient) {
            CHECK(reply_to(c.restrictions, facts_of(c.client, c.helo, c.sender, c.recipient)) == c.want);
        }
    }
}

TEST_CASE("a list asks in its order, and no more than it needs", "[smtpd][restrictions]") {
    House house("permit_dnswl_client list.test, reject_rbl_client list.test, reject_unknown_sender_domain");
    Verdict verdict = test::wait_for(
        house.loop, house.evaluate(facts_of("192.0.2.9", "h", "a@nowhere.test", "alice@home.test")));
    CHECK(verdict.kind == Verdict::Kind::permit);
    CHECK(house.zone->questions() == 1);
    House many("reject_rbl_client a.test, reject_rbl_client b.test, reject_rbl_client c.test");
    CHECK(test::wait_for(many.loop, many.evaluate(facts_of("192.0.2.9", "h", "", "alice@home.test"))).kind ==
          Verdict::Kind::dunno);
    CHECK(many.zone->questions() == 3);
}

TEST_CASE("filters of list answers", "[smtpd][restrictions]") {
    for (const char* bad : {"127.0.0", "127.0.0.1.2", "127.0.0.300", "127.0.0.[1", "127.0.0.[]", "127.0.0.[1..x]", "x"})
        CHECK_FALSE(ReplyFilter::parse(bad));
    auto filter = ReplyFilter::parse("127.0.[0;5].[2..11]");
    REQUIRE(filter);
    CHECK(filter->matches(*dict::parse_ip("127.0.5.11")));
    CHECK_FALSE(filter->matches(*dict::parse_ip("127.0.5.12")));
    CHECK_FALSE(filter->matches(*dict::parse_ip("127.0.4.2")));
    CHECK_FALSE(filter->matches(*dict::parse_ip("128.0.5.2")));
}

TEST_CASE("list restrictions that cannot work are told", "[smtpd][restrictions]") {
    House house("reject_rbl_client a..b, reject_rhsbl_sender list.test=127.0");
    std::vector<std::string> problems = house.services->problems();
    REQUIRE(problems.size() == 2);
    CHECK(problems[0] == "smtpd_recipient_restrictions: reject_rbl_client a..b: \"a..b\" is no domain");
    CHECK(problems[1] ==
          "smtpd_recipient_restrictions: reject_rhsbl_sender list.test=127.0: four parts with dots between them are wanted");
}

namespace {

std::string decide(House& house, const Facts& facts) {
    Verdict verdict = test::wait_for(house.loop, house.evaluate(facts));
    return verdict.kind == Verdict::Kind::reject   ? verdict.reply.text()
           : verdict.kind == Verdict::Kind::permit ? "permit"
                                                   : "";
}

const Facts kStranger = facts_of("192.0.2.9", "h", "a@nowhere.test", "alice@home.test");

}  // namespace

TEST_CASE("restrictions that an access table names", "[smtpd][restrictions]") {
    struct Case {
        const char *right, *want;
    };
    const Case cases[] = {
        {"reject_unknown_sender_domain", "450 4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found"},
        {"REJECT_UNKNOWN_SENDER_DOMAIN", "450 4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found"},
        {"reject_rbl_client list.test",
            "554 5.7.1 Service unavailable; Client host [192.0.2.9] blocked using list.test; spam; see "
            "https://list.test/192.0.2.9"},
        {"permit_mynetworks, reject_rbl_client list.test=127.0.0.2, reject_unauth_destination", ""},
        {"permit_dnswl_client list.test", "permit"},
        {"warn_if_reject reject_unknown_sender_domain, permit", "permit"},
        {"greedy", "450 4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found"},
        {"reject_rbl_client", "451 4.3.0 Temporary lookup failure"},
        {"check_sender_access inline:{x=y}", "451 4.3.0 Temporary lookup failure"},
        {"no_such_restriction", "451 4.3.5 Server configuration error"},
        {"check_policy_service unix:private/policy", ""},
        {"around", "451 4.3.0 Temporary lookup failure"},
        {",", "451 4.3.0 Temporary lookup failure"},
        {"reject", "554 5.7.1 <unknown[192.0.2.9]>: Client host rejected: Access denied"},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.right) {
            House house("check_client_access inline:{ { 192.0.2.9 = " + std::string(c.right) + " } }",
                {{"smtpd_restriction_classes", "greedy, around"},
                    {"greedy", "permit_mynetworks, reject_unknown_sender_domain"},
                    {"around", "check_client_access inline:{ { 192.0.2.9 = around } }"}});
            CHECK(house.services->problems().empty());
            CHECK(house.services->restrictions.may_need_dns());
            CHECK(decide(house, kStranger) == c.want);
        }
    }
}

TEST_CASE("our own limit is no verdict", "[smtpd][restrictions]") {
    question::DeskLimits none;
    none.time = std::chrono::milliseconds(20);
    none.slots.all = 0;
    for (const char* list :
        {"reject_rbl_client list.test", "permit_dnswl_client list.test, reject", "reject_rhsbl_sender names.test"}) {
        DYNAMIC_SECTION(list) {
            House house(list, {}, none);
            CHECK(decide(house, kStranger) == "451 4.3.0 Temporary lookup failure");
        }
    }
    House house("reject_unknown_sender_domain", {{"unknown_address_reject_code", "550"}}, none);
    CHECK(decide(house, kStranger) == "450 4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found");
}

TEST_CASE("lists wait for slow tables in their order", "[smtpd][restrictions]") {
    test::LaterTables later;
    later["clients"].open = later["nets"].open = true;
    later["clients"].entries["192.0.2"] = "554 go away";
    House house("permit_mynetworks, check_client_access later:clients, reject_unknown_sender_domain",
        {{"mynetworks", "later:nets"}});
    CHECK(decide(house, kStranger) == "554 5.7.1 <unknown[192.0.2.9]>: Client host rejected: go away");
    CHECK(house.zone->questions() == 0);
    CHECK(house.record.text().ends_with(
        "= permit_mynetworks: nothing\n"
        "smtpd_recipient_restrictions: later:clients: \"unknown\" -> not there\n"
        "smtpd_recipient_restrictions: later:clients: \"192.0.2.9\" -> not there\n"
        "smtpd_recipient_restrictions: later:clients: \"192.0.2\" -> \"554 go away\"\n"
        "= check_client_access later:clients: reject 554 5.7.1 <unknown[192.0.2.9]>: Client host rejected: go away\n"));
    later["nets"].fails = true;
    CHECK(decide(house, kStranger) == "451 4.3.0 Temporary lookup failure");
}

TEST_CASE("the codes of reject and of DNS lists are their own", "[smtpd][restrictions]") {
    House house("reject_rbl_client list.test, reject", {{"reject_code", "571"}, {"maps_rbl_reject_code", "572"}});
    CHECK(decide(house, kStranger).starts_with("572 5.7.1 Service unavailable"));
    House other("reject", {{"reject_code", "571"}, {"maps_rbl_reject_code", "572"}});
    CHECK(decide(other, kStranger).starts_with("571 5.7.1 "));
    CHECK(other.services->params.reject_code() == 571);
    CHECK(other.services->params.maps_rbl_reject_code() == 572);
}

TEST_CASE("every restriction is one row", "[smtpd][restrictions]") {
    House house(
        "check_policy_service unix:x, check_client_mx_access inline:{a=b}, reject_unverified_sender, permit_mynetworks");
    CHECK(house.services->problems() ==
          std::vector<std::string>{"smtpd_recipient_restrictions: check_policy_service is not evaluated by this version",
              "smtpd_recipient_restrictions: check_client_mx_access is not evaluated by this version",
              "smtpd_recipient_restrictions: reject_unverified_sender is not evaluated by this version"});
    CHECK(decide(house, kStranger) == "");
    CHECK(find_row("reject_rbl_client")->asks_dns);
    CHECK(find_row("reject_rbl_client")->argument == Argument::dns_list);
    CHECK(find_row("nothing") == nullptr);
}
