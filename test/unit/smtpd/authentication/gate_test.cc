// Policies, fields and decisions for whole messages, with the DNS served from memory.
#include "smtpd/authentication/gate.h"

#include "lib/dkim/crypto.h"
#include "lib/dkim/signer.h"
#include "lib/dns/zone_data.h"
#include "lib/event/endpoint.h"
#include "lib/smtp/data.h"
#include "lib/text/text.h"
#include "test/support/catch.h"
#include "test/support/later_table.h"
#include "test/support/temporary_folder.h"
#include "test/support/wait_for.h"

using namespace smtpd::authentication;
using Action = Decision::Action;

namespace {

constexpr const char* kMessage = "From: Alice <alice@example.test>\r\nTo: bob@example.org\r\nSubject: hello\r\n\r\nHi!\r\n";

struct House {
    House(std::initializer_list<std::pair<std::string, std::string>> settings) {
        config::MainCf cf = config::MainCf::load(folder.path());
        cf.set("myhostname", "mx.example.org");
        for (const auto& [name, value] : settings)
            cf.set(name, value);
        gate = std::make_unique<Gate>(cf, loop, "mx.example.org", false);
        auto data = std::make_unique<dns::ZoneData>();
        zone = data.get();
        zone->add_txt("example.test", "v=spf1 ip4:192.0.2.1 -all");
        zone->add_txt("_dmarc.example.test", "v=DMARC1; p=reject");
        zone->add_txt("mail.example.test", "v=spf1 ip4:192.0.2.0/24 -all");
        gate->use_resolver(std::move(data));
        seat.emplace(gate->dns(), asker);
    }
    ~House() { gate->close(); }

    Checked begin(const std::string& client, const std::string& sender = "alice@example.test") {
        Checked checked;
        spf::Query& query = checked.findings.envelope;
        query.client = dict::parse_ip(client).value();
        query.helo = "mail.example.test";
        query.sender = sender;
        query.receiver = "mx.example.org";
        Policy::Sender who{client, "unknown", sender, sender.substr(sender.find('@') + 1)};
        checked.exemption = test::wait_for(loop, gate->policy().find_exemption(asker, std::move(who))).value();
        if (gate->policy().wants_spf()) {
            loop.spawn(ask(checked));
            loop.run_until_idle();
        }
        checked.spf = gate->policy().decide_spf(checked.findings, checked.exemption);
        return checked;
    }
    event::Task<void> ask(Checked& checked) { co_await check_spf(*seat, gate->policy().spf_limits(), checked.findings); }

    struct Outcome {
        Decision decision;
        std::string content, prepend, log;
        bool holds = false;
    };
    Outcome receive(const std::string& client, std::string_view message, const std::string& sender = "alice@example.test") {
        Outcome outcome;
        Checked checked = begin(client, sender);
        Inspection inspection(*gate, asker, &*seat, std::move(checked));
        inspection.take(message, outcome.content);
        outcome.decision = test::wait_for(loop, inspection.finish(outcome.content));
        outcome.prepend = inspection.prepend();
        outcome.log = inspection.log_line();
        outcome.holds = inspection.holds();
        return outcome;
    }

    test::TemporaryFolder folder;
    event::Loop loop;
    std::unique_ptr<Gate> gate;
    dns::ZoneData* zone = nullptr;
    question::Asker asker{loop};
    std::optional<dns::Seat> seat;
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("policies", "[smtpd][dmarc][rfc7372:3]") {
    struct Case {
        const char *name, *spf, *dkim, *dmarc, *client;
        Action action;
        int code;
        const char* status;
        bool holds;
    };
    const Case cases[] = {
        {"nothing is asked", "none", "none", "none", "198.51.100.1", Action::accept, 0, "", false},
        {"an honest sender", "enforce", "none", "enforce", "192.0.2.1", Action::accept, 0, "", false},
        {"a forged sender, by SPF", "enforce", "none", "none", "198.51.100.1", Action::reject, 550, "5.7.23", false},
        {"put aside, by SPF", "quarantine", "none", "none", "198.51.100.1", Action::quarantine, 550, "5.7.23", true},
        {"a forged sender, by DMARC", "none", "none", "enforce", "198.51.100.1", Action::reject, 550, "5.7.26", false},
        {"put aside, by DMARC", "none", "none", "quarantine", "198.51.100.1", Action::quarantine, 550, "5.7.26", true},
        {"only written down", "tag", "tag", "tag", "198.51.100.1", Action::accept, 0, "", false},
        {"not signed", "none", "enforce", "none", "192.0.2.1", Action::reject, 550, "5.7.20", false},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.name) {
            House house{{"spf_policy", c.spf}, {"dkim_policy", c.dkim}, {"dmarc_policy", c.dmarc}};
            CHECK(house.gate->problems().empty());
            House::Outcome outcome = house.receive(c.client, kMessage);
            CHECK(outcome.decision.action == c.action);
            CHECK(outcome.decision.reply.code == c.code);
            CHECK(outcome.decision.reply.dsn == c.status);
            CHECK(outcome.holds == c.holds);
            CHECK(outcome.content == kMessage);
            bool asked = std::string_view(c.spf) != "none" || std::string_view(c.dkim) != "none" ||
                         std::string_view(c.dmarc) != "none";
            CHECK(outcome.prepend.starts_with(c.action == Action::quarantine ? "X-Quarantine: "
                                              : asked                        ? "Authentication-Results: mx.example.org"
                                                                             : ""));
            CHECK(outcome.prepend.empty() == !asked);
        }
    }
}

TEST_CASE("a signature counts for its domain", "[smtpd][dmarc]") {
    House house{{"dmarc_policy", "enforce"}, {"dkim_policy", "enforce"}};
    dkim::PrivateKey key = dkim::PrivateKey::generate_ed25519();
    house.zone->add_txt("sel._domainkey.example.test", "v=DKIM1; k=ed25519; p=" + text::encode_base64(key.public_data()));
    std::vector<dkim::SigningKey> keys(1);
    keys[0].domain = "example.test";
    keys[0].selector = "sel";
    keys[0].type = key.type();
    dkim::Signer signer{dkim::SignOptions()};
    signer.feed(kMessage);
    signer.end();
    auto fields = signer.make_fields(keys);
    REQUIRE(fields);
    std::string signature = dkim::complete(fields->front(), key.sign(fields->front().hash).value());
    House::Outcome outcome = house.receive("198.51.100.1", signature + kMessage, "bounces@elsewhere.test");
    INFO(outcome.log);
    CHECK(outcome.decision.action == Action::accept);
    CHECK(contains(outcome.prepend, "dkim=pass"));
    CHECK(contains(outcome.prepend, "dmarc=pass"));
    House::Outcome changed = house.receive("198.51.100.1", signature + kMessage + "More.\r\n", "bounces@elsewhere.test");
    CHECK(changed.decision.action == Action::reject);
    CHECK(changed.decision.reply.dsn == "5.7.26");
}

TEST_CASE("exceptions", "[smtpd][dmarc]") {
    for (const char* key : {"198.51.100.1", "alice@example.test", "example.test"}) {
        DYNAMIC_SECTION(key) {
            House house{{"spf_policy", "enforce"}, {"dmarc_policy", "enforce"},
                {"mail_auth_exception_maps", std::string("inline:{{") + key + "=OK}}"}};
            House::Outcome outcome = house.receive("198.51.100.1", kMessage);
            CHECK(outcome.decision.action == Action::accept);
            CHECK(contains(outcome.prepend, "spf=fail"));
            CHECK(contains(outcome.prepend, "dmarc=fail"));
        }
    }
    House house{
        {"spf_policy", "enforce"}, {"dmarc_policy", "enforce"}, {"mail_auth_exception_maps", "inline:{{198.51.100.1=spf}}"}};
    House::Outcome outcome = house.receive("198.51.100.1", kMessage);
    CHECK(outcome.decision.reply.dsn == "5.7.26");
    House misspelt{{"spf_policy", "enforce"}, {"mail_auth_exception_maps", "inline:{{198.51.100.1=spff}}"}};
    CHECK(misspelt.receive("198.51.100.1", kMessage).decision.reply.dsn == "5.7.23");
    House broken{{"dmarc_policy", "enforce"}, {"mail_auth_exception_maps", "fail:broken"}};
    Policy::Sender sender{"198.51.100.1", "unknown", "alice@example.test", "example.test"};
    CHECK_FALSE(test::wait_for(broken.loop, broken.gate->policy().find_exemption(broken.asker, sender)));
}

TEST_CASE("a DNS that does not answer", "[smtpd][dmarc]") {
    for (const char* action : {"accept", "defer"}) {
        DYNAMIC_SECTION(action) {
            House house{{"spf_policy", "enforce"}, {"dmarc_policy", "enforce"}, {"mail_auth_temperror_action", action}};
            house.zone->set_trouble("down.test", dns::Status::temporary_failure);
            house.zone->set_trouble("_dmarc.down.test", dns::Status::temporary_failure);
            std::string message = "From: x@down.test\r\n\r\nhi\r\n";
            bool defers = std::string_view(action) == "defer";
            Checked checked = house.begin("198.51.100.1", "x@down.test");
            // The HELO name answers, and says that this client may not use it.
            CHECK(checked.spf.reply.dsn == "5.7.23");
            checked = house.begin("192.0.2.7", "x@down.test");
            CHECK(checked.spf.reply.code == (defers ? 451 : 0));
            CHECK(checked.spf.reply.dsn == (defers ? "4.7.24" : ""));
            House::Outcome outcome = house.receive("192.0.2.7", message, "");
            CHECK(outcome.decision.action == (defers ? Action::defer : Action::accept));
            CHECK(outcome.decision.reply.dsn == (defers ? "4.7.26" : ""));
            CHECK(contains(outcome.prepend, "dmarc=temperror"));
        }
    }
}

TEST_CASE("our own limit is no verdict about a message", "[smtpd][dmarc]") {
    for (const char* level : {"tag", "quarantine", "enforce"}) {
        DYNAMIC_SECTION(level) {
            House house{{"dkim_policy", level}, {"dmarc_policy", level}, {"mail_auth_temperror_action", "accept"}};
            auto data = std::make_unique<dns::ZoneData>();
            question::DeskLimits none;
            none.slots.all = 0;
            none.time = std::chrono::milliseconds(10);
            house.seat.reset();
            house.gate->use_resolver(std::move(data), none);
            house.seat.emplace(house.gate->dns(), house.asker);
            House::Outcome outcome = house.receive("198.51.100.1", kMessage);
            CHECK(outcome.decision.action == Action::defer);
            CHECK(outcome.decision.reply.code == 451);
        }
    }
}

TEST_CASE("an exception table that has to be waited for", "[smtpd][dmarc]") {
    test::LaterTables later;
    later["exceptions"].open = true;
    later["exceptions"].entries["alice@example.test"] = "OK";
    House house{{"spf_policy", "enforce"}, {"dmarc_policy", "enforce"}, {"mail_auth_exception_maps", "later:exceptions"}};
    CHECK(house.receive("198.51.100.1", kMessage).decision.action == Action::accept);
    CHECK(house.receive("198.51.100.1", kMessage, "bob@example.test").decision.action == Action::reject);
}

// As the session gets it from the wire.
std::string mended(const std::string& text) {
    smtp::DataDecoder decoder;
    std::string out;
    decoder.decode(text + ".\r\n", out);
    return out;
}

TEST_CASE("a CR that stands alone hides nothing", "[smtpd][dmarc]") {
    const std::string got = mended("X-A: a\rFrom: x@attacker.test\r\r\r\nAuthentication-Results: mx; dmarc=pass\r\n\r\n");
    CHECK(got == "X-A: a From: x@attacker.test  \r\nAuthentication-Results: mx; dmarc=pass\r\n\r\n");
}

TEST_CASE("ways around the author's policy", "[smtpd][dmarc][bad-input]") {
    struct Case {
        const char* name;
        std::string message;
    };
    const std::string honest = "From: me@helo.test\r\n";
    const Case cases[] = {
        {"a header without an end", std::string(kMessage).substr(0, 30) + "X: " + std::string(20000, 'x')},
        {"a header that is too long", "X: " + std::string(20000, 'x') + "\r\n" + kMessage},
        {"no From", "Subject: x\r\n\r\nhi\r\n"},
        {"From without a domain", "From: alice\r\n\r\nhi\r\n"},
        {"a second From", honest + kMessage},
        {"a second From behind a bare LF", mended("X: 1\nFrom: alice@example.test\r\n" + honest + "\r\nhi\r\n")},
        {"an author in front of a group", "From: <alice@example.test>: <me@helo.test>\r\n\r\nhi\r\n"},
        {"two addresses without a comma", "From: \"A\" <me@helo.test> <alice@example.test>\r\n\r\nhi\r\n"},
        {"an author who is cut", "From: CEO alice@example.test, me@helo.test\r\n\r\nhi\r\n"},
        {"unreadable, and nobody publishes a policy", "From: <a@none.test>: <b@none.test>\r\n\r\nhi\r\n"},
        {"From with a blank before the colon", "From : alice@example.test\r\n\r\nhi\r\n"},
        {"the display name is another's", "From: \"me@helo.test\" <alice@example.test>\r\n\r\nhi\r\n"},
    };
    for (const Case& c : cases) {
        for (const char* policy : {"enforce", "quarantine"}) {
            DYNAMIC_SECTION(c.name << ", " << policy) {
                House house{{"dmarc_policy", policy}, {"dkim_header_limit", "10240"}};
                house.zone->add_txt("helo.test", "v=spf1 +all");
                House::Outcome outcome = house.receive("198.51.100.1", c.message, "me@helo.test");
                INFO(outcome.log);
                CHECK(outcome.decision.action ==
                      (std::string_view(policy) == "enforce" ? Action::reject : Action::quarantine));
                CHECK(outcome.decision.reply.dsn == "5.7.26");
            }
        }
    }
}

TEST_CASE("what goes on top stays in its room", "[smtpd][bad-input]") {
    House house{{"dmarc_policy", "tag"}, {"dkim_signature_limit", "100"}};
    std::string message;
    for (int i = 0; i < 100; ++i)
        message += "DKIM-Signature: v=1; a=rsa-sha256; d=" + std::string(60, 'd') + ".test; s=s" + std::to_string(i) +
                   "; h=from; bh=" + std::string(43, 'A') + "=; b=" + std::string(300, 'A') + "\r\n";
    House::Outcome outcome = house.receive("192.0.2.1", message + kMessage, std::string(200, 'x') + "@example.test");
    CHECK(outcome.prepend.size() <= kPrependRoom);
    CHECK(contains(outcome.prepend, "dmarc=pass"));
    CHECK(outcome.prepend.ends_with("\r\n"));
    // Every line is a field or belongs to one.
    CHECK_FALSE(contains(outcome.prepend, "\r\n\r\n"));
}

TEST_CASE("nothing of a stranger ends a field", "[smtpd][bad-input]") {
    House house{{"dmarc_policy", "tag"}};
    House::Outcome outcome = house.receive("192.0.2.1", kMessage, "a\r\nX-Evil: 1\r\n\r\n@example.test");
    CHECK_FALSE(contains(outcome.prepend, "\nX-Evil"));
    CHECK_FALSE(contains(outcome.log, "\n"));
}

TEST_CASE("parameters that say nothing are told", "[smtpd]") {
    House house{{"spf_policy", "strict"}, {"mail_auth_quarantine", "box"}};
    CHECK(house.gate->problems() ==
          std::vector<std::string>{"spf_policy: \"strict\" is none of none, tag, quarantine, enforce; tag is taken",
              "mail_auth_quarantine: \"box\" is neither hold nor tag; hold is taken"});
}

namespace {

// Listens where dmarc-report would, and keeps what comes.
event::Task<void> collect(
    event::Listener& listener, event::Loop& loop, std::vector<ipc::records::DmarcObservation>& seen, std::size_t wanted) {
    event::Fd descriptor = co_await listener.accept();
    ipc::Channel channel{event::Stream(loop, std::move(descriptor))};
    while (seen.size() < wanted) {
        std::expected<ipc::records::DmarcObservation, std::string> one =
            co_await channel.receive<ipc::records::DmarcObservation>();
        if (!one)
            co_return;
        seen.push_back(std::move(*one));
    }
}

}  // namespace

TEST_CASE("results of DMARC go to whoever writes the report", "[smtpd][dmarc][rfc7489:7.2]") {
    const std::filesystem::path before = std::filesystem::current_path();
    const test::TemporaryFolder queue;
    std::filesystem::create_directory(queue.path("private"));
    std::filesystem::current_path(queue.path());
    std::vector<ipc::records::DmarcObservation> seen;
    {
        House house({{"dmarc_policy", "tag"}, {"dmarc_report_send", "yes"}});
        event::Listener listener(house.loop, std::move(*event::listen_at_path("private/dmarc-report", 0600)));
        house.zone->add_txt("_dmarc.quiet.test", "v=DMARC1; p=reject");
        house.zone->add_txt("_dmarc.loud.test", "v=DMARC1; p=reject; rua=mailto:r@loud.test");
        house.receive("192.0.2.1", "From: a@quiet.test\r\n\r\nx\r\n");
        house.receive("192.0.2.1", "From: a@loud.test\r\n\r\nx\r\n");
        house.receive("192.0.2.9", "From: a@loud.test\r\n\r\nx\r\n", "");
        house.loop.spawn(collect(listener, house.loop, seen, 2));
        house.loop.run_until_idle();
    }
    std::filesystem::current_path(before);
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].policy.domain == "loud.test");
    CHECK(seen[0].policy.report_to.at(0).address == "r@loud.test");
    CHECK(seen[0].row.source_ip == "192.0.2.1");
    CHECK(seen[0].row.spf_domain == "example.test");
    CHECK(seen[0].row.spf_scope == "mfrom");
    CHECK(seen[0].row.spf_result == "pass");
    CHECK(seen[0].row.spf == "fail");          // passed, but for another domain
    CHECK(seen[0].row.disposition == "none");  // the policy of this host says "tag"
    CHECK(seen[0].row.reasons.at(0).type == "local_policy");
    CHECK(seen[1].row.envelope_from.empty());
    CHECK(seen[1].row.spf_scope == "helo");
}
