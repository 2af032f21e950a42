// cleanup's side of signing and the signer, talking over a real socket.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "cleanup/signer/key_ring.h"
#include "cleanup/signer/requests.h"
#include "cleanup/signing.h"
#include "lib/dkim/verifier.h"
#include "lib/dns/zone_data.h"
#include "lib/event/endpoint.h"
#include "lib/text/text.h"
#include "test/support/catch.h"
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
    cleanup::Signing::Outcome sign(const std::string& table, bool with_signer = true, const std::string& message = kMessage) {
        event::Loop loop;
        dkim::SignParams params;
        params.sign_table.set({"inline:{ " + table + " }"});
        cleanup::SigningHouse house(loop, params, socket);
        event::ThreadPool pool(loop, 1);
        std::optional<event::Listener> listener;
        event::Context* context = nullptr;
        if (with_signer) {
            unlink(socket.c_str());
            listener.emplace(loop, std::move(*event::listen_at_path(socket, 0600)));
            loop.spawn(accept(*listener, loop, pool), &context, [] {});
        }
        cleanup::Signing::Outcome outcome;
        loop.spawn(run(house, message, outcome), nullptr, [&] { loop.cancel_all(); });
        loop.run_until_idle();
        return outcome;
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
    static event::Task<void> run(cleanup::SigningHouse& house, const std::string& message, cleanup::Signing::Outcome& outcome) {
        cleanup::Signing signing(house);
        for (char c : message)
            signing.feed(std::string_view(&c, 1));
        outcome = co_await signing.finish("QUEUEID");
    }
};

event::Task<void> finish(dkim::Verifier& verifier, dkim::Verdict& verdict) { verdict = co_await verifier.finish(); }

std::vector<dkim::Result> verify(const House& house, const std::string& message) {
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
    return verdict.signatures;
}

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
        return results.empty() ? std::string("unsigned") : results[0].code == dkim::Code::pass ? results[0].domain : results[0].reason;
    };
    CHECK(domain_of("{example.test = " + key + "}", "Alice <a@Example.Test>") == "example.test");
    CHECK(domain_of("{example.test = " + key + "}", "a@news.example.test") == "unsigned");
    CHECK(domain_of("{.example.test = " + key + "}", "a@deep.news.example.test") == "example.test");
    CHECK(domain_of("{a@example.test = none} {example.test = " + key + "}", "a@example.test") == "unsigned");
    CHECK(domain_of("{a@example.test = none} {example.test = " + key + "}", "b@example.test") == "example.test");
    CHECK(domain_of("{example.test = d=other.test " + key + "}", "a@example.test") == "other.test");
    CHECK(domain_of("{example.test = " + key + "}", "a@example.net") == "unsigned");
    CHECK(domain_of("{example.test = " + key + "}", "nobody") == "unsigned");
    CHECK(domain_of("{example.test = garbage}", "a@example.test") ==
          "dkim_sign_table: example.test: \"garbage\" is neither selector:/key/file, d=domain, none nor unsigned_on_failure");
    CHECK(domain_of("{example.test = none " + key + "}", "a@example.test").find("stands beside keys") != std::string::npos);
}

TEST_CASE("a key that cannot be used defers, unless the table says otherwise", "[cleanup][dkim]") {
    House house;
    struct Case {
        const char* file;
        const char* reason;
    };
    for (const Case& c : {Case{"missing.key", "No such file or directory"}, Case{"open.key", "others than its owner may use it (mode 0644)"},
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

TEST_CASE("the keys that tables name", "[signer]") {
    std::vector<std::string> problems;
    const auto files = signer::find_key_files(
        {"inline:{ {a.test = s:/k/a, t:/k/b} {b.test = none} {c.test = s:/k/a} {d.test = broken} }", "pcre:/nonexistent"}, problems);
    CHECK(files == std::set<std::string>{"/k/a", "/k/b"});
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].find("d.test: \"broken\" is neither") != std::string::npos);
    CHECK(problems[1].find("dkim_extra_key_files") != std::string::npos);
}
