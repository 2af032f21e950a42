// cleanup's side of signing and the signer, talking over a real socket.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "cleanup/sealing.h"
#include "cleanup/signer/key_ring.h"
#include "cleanup/signer/requests.h"
#include "cleanup/signing.h"
#include "lib/dkim/verifier.h"
#include "lib/dns/zone_data.h"
#include "lib/event/endpoint.h"
#include "lib/text/text.h"
#include "test/support/catch.h"
#include "test/support/later_table.h"
#include "test/support/temporary_folder.h"

namespace {

const std::string kMessage = "From: Alice <alice@example.test>\r\nTo: bob@example.net\r\nSubject: hi\r\n\r\nHello\r\n";

class House {
  public:
    House() {
        write_key("good.key", 0600, rsa.pem());
        write_key("ed.key", 0600, ed.pem());
        write_key("open.key", 0644, rsa.pem());
        write_key("broken.key", 0600, "nonsense");
        for (const char* name : {"good.key", "ed.key", "open.key", "broken.key", "missing.key"})
            keys.load(file(name));
        socket = folder.path("signer");
    }

    std::string file(const std::string& name) const { return folder.path(name); }
    void write_key(const std::string& name, mode_t mode, const std::string& content) {
        std::ofstream(file(name)) << content;
        REQUIRE(chmod(file(name).c_str(), mode) == 0);
    }

    // Signs with the table; `with_signer`: somebody listens.
    cleanup::Signing::Outcome sign(
        const std::string& table, bool with_signer = true, const std::string& message = kMessage) {
        return sign_by("inline:{ " + table + " }", with_signer, message);
    }
    cleanup::Signing::Outcome sign_by(const std::string& table, bool with_signer, const std::string& message) {
        dkim::SignParams params;
        params.sign_table.set({table});
        cleanup::Signing::Outcome outcome;
        with_house(params, with_signer,
            [&](event::Loop& loop, cleanup::SigningHouse& house) { return run(loop, house, message, outcome); });
        return outcome;
    }
    cleanup::Sealing::Outcome seal(const std::string& key, const std::string& message, const std::string& prepend = "") {
        dkim::SignParams params;
        params.seal_key.set(key);
        cleanup::Sealing::Outcome outcome;
        with_house(params, true,
            [&](event::Loop&, cleanup::SigningHouse& house) { return run_seal(house, message, prepend, outcome); });
        return outcome;
    }

    using Work = std::function<event::Task<void>(event::Loop&, cleanup::SigningHouse&)>;
    void with_house(const dkim::SignParams& params, bool with_signer, const Work& work) {
        event::Loop loop;
        cleanup::SigningHouse house(loop, params, socket);
        event::ThreadPool pool(loop, 1);
        std::optional<event::Listener> listener;
        event::Context* context = nullptr;
        if (with_signer) {
            unlink(socket.c_str());
            listener.emplace(loop, std::move(*event::listen_at_path(socket, 0600)));
            loop.spawn(accept(*listener, loop, pool), &context, [] {});
        }
        loop.spawn(work(loop, house), nullptr, [&] { loop.cancel_all(); });
        loop.run_until_idle();
    }

    test::TemporaryFolder folder;
    dkim::PrivateKey rsa = dkim::PrivateKey::generate_rsa(1024);
    dkim::PrivateKey ed = dkim::PrivateKey::generate_ed25519();
    signer::KeyRing keys;
    std::string socket;
    worker::Client seat;

  private:
    event::Task<void> accept(event::Listener& listener, event::Loop& loop, event::ThreadPool& pool) {
        for (;;) {
            event::Fd descriptor = co_await listener.accept();
            event::Stream stream(loop, std::move(descriptor));
            std::function<bool()> outdated = [] { return false; };
            loop.spawn(signer::serve_client(std::move(stream), seat, keys, pool, std::move(outdated)));
        }
    }
    static event::Task<void> run(
        event::Loop& loop, cleanup::SigningHouse& house, const std::string& message, cleanup::Signing::Outcome& outcome) {
        const question::Asker asker(loop);
        cleanup::Signing signing(house);
        for (char c : message)
            signing.feed(std::string_view(&c, 1));
        outcome = co_await signing.finish(asker, "QUEUEID");
    }
    static event::Task<void> run_seal(cleanup::SigningHouse& house, const std::string& message, const std::string& prepend,
        cleanup::Sealing::Outcome& outcome) {
        cleanup::SealSite site{"mx.example.test", "mail.example.test"};
        cleanup::Sealing sealing(house, std::move(site));
        for (char c : message)
            sealing.feed(std::string_view(&c, 1));
        outcome = co_await sealing.finish("QUEUEID", prepend);
    }
};

event::Task<void> finish(dkim::Verifier& verifier, dkim::Verdict& verdict) { verdict = co_await verifier.finish(); }

dkim::Verdict verify_all(const House& house, const std::string& message) {
    dns::ZoneData dns;
    for (const char* domain : {"example.test", "other.test"}) {
        dns.add_txt(std::string("r._domainkey.") + domain, "k=rsa; p=" + text::encode_base64(house.rsa.public_data()));
        dns.add_txt(std::string("e._domainkey.") + domain, "k=ed25519; p=" + text::encode_base64(house.ed.public_data()));
    }
    event::Loop loop;
    dkim::KeyCache cache;
    dkim::Verifier verifier(loop, dns, cache, {});
    verifier.feed(message);
    dkim::Verdict verdict;
    loop.spawn(finish(verifier, verdict));
    loop.run_until_idle();
    return verdict;
}

std::vector<dkim::Result> verify(const House& house, const std::string& message) {
    return verify_all(house, message).signatures;
}

const std::string kEntry =
    "Received: from client.test (client.test [192.0.2.7])\r\n\tby mail.example.test (Malleposte) with ESMTP id 1; x\r\n";
const std::string kMailbox =
    "Received: from mail.example.test ([127.0.0.1])\r\n\tby mail.example.test (Malleposte) with LMTP id 2; x\r\n";
const std::string kForwarded = "Received: by mail.example.test (Malleposte)\r\n\tid 3; x\r\n";
std::string results(const std::string& text) { return "Authentication-Results: mx.example.test; " + text + "\r\n"; }

}  // namespace

TEST_CASE("cleanup and signer make signatures that verify", "[cleanup][dkim]") {
    House house;
    const auto outcome = house.sign("{example.test = r:" + house.file("good.key") + ", e:" + house.file("ed.key") + "}");
    REQUIRE(outcome.trouble.empty());
    const auto results = verify(house, outcome.fields + kMessage);
    REQUIRE(results.size() == 2);
    for (const dkim::Result& result : results) {
        INFO(result.reason);
        CHECK(result.code == dkim::Code::pass);
        CHECK(result.domain == "example.test");
    }
    CHECK(results[0].algorithm == "rsa-sha256");
    CHECK(results[1].algorithm == "ed25519-sha256");
    CHECK(outcome.fields.size() <= cleanup::kSignatureRoom);
}

TEST_CASE("which entry of dkim_sign_table counts", "[cleanup][dkim]") {
    House house;
    const std::string key = "r:" + house.file("good.key");
    const auto domain_of = [&](const std::string& table, const std::string& from) {
        const std::string message = "From: " + from + "\r\n\r\nx\r\n";
        const auto outcome = house.sign(table, true, message);
        if (!outcome.trouble.empty())
            return outcome.trouble;
        const auto results = verify(house, outcome.fields + message);
        return results.empty()                       ? std::string("unsigned")
               : results[0].code == dkim::Code::pass ? results[0].domain
                                                     : results[0].reason;
    };
    CHECK(domain_of("{example.test = " + key + "}", "Alice <a@Example.Test>") == "example.test");
    CHECK(domain_of("{example.test = " + key + "}", "a@news.example.test") == "unsigned");
    CHECK(domain_of("{.example.test = " + key + "}", "a@deep.news.example.test") == "example.test");
    CHECK(domain_of("{a@example.test = none} {example.test = " + key + "}", "a@example.test") == "unsigned");
    CHECK(domain_of("{a@example.test = none} {example.test = " + key + "}", "b@example.test") == "example.test");
    CHECK(domain_of("{example.test = d=other.test " + key + "}", "a@example.test") == "other.test");
    CHECK(domain_of("{example.test = " + key + "}", "a@example.net") == "unsigned");
    CHECK(domain_of("{example.test = " + key + "}", "nobody") == "unsigned");
    CHECK(
        domain_of("{example.test = garbage}", "a@example.test") ==
        "dkim_sign_table: example.test: \"garbage\" is neither selector:/key/file, d=domain, none nor unsigned_on_failure");
    CHECK(domain_of("{example.test = none " + key + "}", "a@example.test").find("stands beside keys") != std::string::npos);
}

TEST_CASE("a table of signatures that has to be waited for", "[cleanup][dkim]") {
    test::LaterTables later;
    later["signing"].open = true;
    House house;
    later["signing"].entries["example.test"] = "r:" + house.file("good.key");
    cleanup::Signing::Outcome signed_one = house.sign_by("later:signing", true, kMessage);
    INFO(signed_one.trouble);
    CHECK(signed_one.fields.find("s=r;") != std::string::npos);
    later["signing"].fails = true;
    CHECK(house.sign_by("later:signing", true, kMessage).trouble.find("down") != std::string::npos);
}

TEST_CASE("a key that cannot be used defers, unless the table says otherwise", "[cleanup][dkim]") {
    House house;
    struct Case {
        const char* file;
        const char* reason;
    };
    for (const Case& c :
        {Case{"missing.key", "No such file or directory"}, Case{"open.key", "others than its owner may use it (mode 0644)"},
            Case{"broken.key", "no private key in PEM form"}, Case{"unknown.key", "the signer did not find this key"}}) {
        INFO(c.file);
        const std::string entry = "r:" + house.file("good.key") + " x:" + house.file(c.file);
        const auto outcome = house.sign("{example.test = " + entry + "}");
        CHECK(outcome.fields.empty());
        CHECK(outcome.trouble.find(c.reason) != std::string::npos);
        const auto allowed = house.sign("{example.test = unsigned_on_failure " + entry + "}");
        CHECK(allowed.fields.empty());
        CHECK(allowed.trouble.empty());
    }
    const auto alone = house.sign("{example.test = r:" + house.file("good.key") + "}", false);
    CHECK_FALSE(alone.trouble.empty());
    CHECK(house.sign("{example.test = unsigned_on_failure r:" + house.file("good.key") + "}", false).trouble.empty());
    // A broken entry is the administrator's mistake, not a key's.
    CHECK_FALSE(house.sign("{example.test = unsigned_on_failure}").trouble.empty());
}

TEST_CASE("ARC sets for what goes on", "[cleanup][arc]") {
    House house;
    const std::string arrived = results("spf=pass smtp.mailfrom=client.test; arc=none");
    for (const char* key : {"example.test:r:good.key", "example.test:e:ed.key"}) {
        std::string value = key;
        value.replace(15, std::string::npos, house.file(value.substr(15)));
        const auto first = house.seal(value, kEntry + kMessage, arrived);
        REQUIRE(first.trouble.empty());
        const std::string once = first.fields + arrived + kEntry + kMessage;
        dkim::ArcVerdict arc = verify_all(house, once).arc;
        INFO(arc.reason);
        REQUIRE(arc.code == dkim::Code::pass);
        CHECK(arc.sealers.size() == 1);
        CHECK(first.fields.find("ARC-Authentication-Results: i=1; mx.example.test;") != std::string::npos);
        CHECK(first.fields.find("smtp.mailfrom=client.test") != std::string::npos);
        CHECK(first.fields.size() <= cleanup::kSealRoom);
        // It comes back, is found good, and goes on from a mailbox.
        const auto second = house.seal(
            value, kForwarded + "X-Sieve: x\r\n" + kMailbox + results("arc=pass") + kEntry + once);
        REQUIRE(second.fields.find("cv=pass") != std::string::npos);
        arc = verify_all(house, second.fields + once).arc;
        CHECK(arc.code == dkim::Code::pass);
        CHECK(arc.sealers.size() == 2);
        // Nobody here has looked at its chain, or it was broken.
        for (const std::string& above : {kEntry, results("arc=fail") + kEntry, results("arc=none") + kEntry,
                 kMailbox + results("arc=pass"), kEntry + results("arc=pass")}) {
            const auto left = house.seal(value, above + once);
            CHECK(left.fields.empty());
            CHECK(left.trouble.empty());
        }
        CHECK(house.seal(value, results("arc=pass") + kEntry + kMessage).fields.empty());  // its sets are gone
    }
    CHECK(
        house.seal("example.test:r:" + house.file("good.key"), kEntry + "Subject: no author\r\n\r\nx\r\n").trouble.empty());
    CHECK(house.seal("example.test:x:" + house.file("missing.key"), kEntry + kMessage).trouble.find("No such file") !=
          std::string::npos);
    CHECK(house.seal("example.test:/key", kMessage).trouble ==
          "arc_seal_key: \"example.test:/key\" is not domain:selector:/key/file");
}

TEST_CASE("which Authentication-Results field is our own", "[cleanup][arc]") {
    const cleanup::SealSite site{"mx.example.test", "mail.example.test"};
    const auto found = [&](const std::string& header) {
        const dkim::HeaderFields fields{header};
        const auto got = cleanup::find_arrival_results(fields, site);
        return !got ? std::string("none") : got->empty() ? std::string("empty") : got->front().result;
    };
    const std::string pass = results("spf=pass"), fail = results("spf=fail");
    CHECK(found(pass + kEntry) == "pass");
    CHECK(found("X-Quarantine: x\r\n" + pass + "Received-SPF: pass\r\n" + kEntry + fail) == "pass");
    CHECK(found(kForwarded + "X-Sieve: x\r\n" + kMailbox + pass + kEntry) == "pass");
    CHECK(found(kEntry + pass) == "none");
    CHECK(found(pass) == "none");
    CHECK(found(fail + kMailbox + kEntry) == "none");  // a script's
    CHECK(found(fail + kMailbox + pass + kEntry) == "pass");
    CHECK(found(pass + "X-Other: x\r\n" + kEntry) == "none");
    CHECK(found("Authentication-Results: other.test; spf=pass\r\n" + kEntry) == "none");
    CHECK(found("Received: by mail.example.test (Malleposte, from userid 1000)\r\n\tid 3; x\r\n" + pass + kEntry) == "none");
    CHECK(found("Received: from a ([192.0.2.1]) by other.test (x) with LMTP id 1; x\r\n" + pass + kEntry) == "none");
}

TEST_CASE("the keys that tables name", "[signer]") {
    std::vector<std::string> problems;
    const auto files = signer::find_key_files(
        {"inline:{ {a.test = s:/k/a, t:/k/b} {b.test = none} {c.test = s:/k/a} {d.test = broken} }", "pcre:/nonexistent"},
        problems);
    CHECK(files == std::set<std::string>{"/k/a", "/k/b"});
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].find("d.test: \"broken\" is neither") != std::string::npos);
    CHECK(problems[1].find("dkim_extra_key_files") != std::string::npos);
}
