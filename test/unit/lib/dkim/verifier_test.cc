#include "lib/dkim/verifier.h"

#include <sys/resource.h>

#include "test/support/catch.h"
#include "test/unit/lib/dkim/support.h"

using namespace dkim;
using namespace dkim_test;

namespace {

const std::string kMessage =
    "Received: by mail.example.test; Sun, 22 Nov 2026 01:02:03 +0000\r\n"
    "From: Alice <alice@example.test>\r\nTo: bob@example.test\r\nSubject: A  subject\r\n\tfolded\r\n"
    "Date: Sun, 22 Nov 2026 01:02:03 +0000\r\nMessage-ID: <1@example.test>\r\n\r\n"
    "Hello  Bob, \r\n\r\nhow are you?\r\n\r\n";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

Result only(const Verdict& verdict) {
    REQUIRE(verdict.signatures.size() == 1);
    return verdict.signatures[0];
}

Result verify_one(const std::string& message, Options options = {}) {
    dns::ZoneData data = test_dns();
    return only(verify(message, data, options));
}

// Signs with tags that our own signer would never write; `tags` misses bh= and b=, which are right.
std::string sign_by_hand(const std::string& tags, const std::string& message = kMessage,
    const PrivateKey& key = ed_key().key, Canon canon = Canon::relaxed, std::optional<std::uint64_t> length = std::nullopt) {
    const std::size_t border = message.find("\r\n\r\n") + 2;
    BodyHashes hashes;
    hashes.add(canon, length);
    hashes.feed(std::string_view(message).substr(border + 2));
    hashes.finish();
    const std::string field = "DKIM-Signature: " + tags + "; bh=" + text::encode_base64(hashes.hash(0)) + "; b=";
    Signature signature;
    parse_signature(std::string_view(field + "AA==").substr(15), SignatureKind::dkim, signature);
    const HeaderFields fields(std::string_view(message).substr(0, border));
    std::string text;
    for (const Field* one : fields.select(signature.names))
        append_canonical(text, signature.header_canon, *one);
    append_unsigned(text, signature.header_canon, Field{"dkim-signature", std::string_view(field).substr(15), field},
        field.size() - 15, field.size() - 15);
    return field + text::encode_base64(key.sign(Sha256::of(text)).value()) + "\r\n" + message;
}

const std::string kTags = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.test; s=ed; h=from:to:subject:date";

}  // namespace

TEST_CASE("what we sign verifies, in every form", "[dkim][rfc6376]") {
    dns::ZoneData data = test_dns();
    for (Canon header : {Canon::simple, Canon::relaxed}) {
        for (Canon body : {Canon::simple, Canon::relaxed}) {
            SignOptions options;
            options.header_canon = header;
            options.body_canon = body;
            options.now = 1'700'000'000;
            options.lifetime = 2'000'000'000;
            const std::string message = sign(kMessage, {rsa_key(), ed_key()}, options);
            for (std::size_t piece : {1, 2, 3, 100, 100'000}) {
                const Verdict verdict = verify(message, data, {}, piece);
                REQUIRE(verdict.signatures.size() == 2);
                for (const Result& result : verdict.signatures) {
                    INFO(result.reason);
                    CHECK(result.code == Code::pass);
                    CHECK(result.reason.empty());
                    CHECK(result.identity == "@example.test");
                }
                CHECK(verdict.signatures[0].key_bits == 2048);
                CHECK(verdict.signatures[0].signature.size() == 8);
            }
            CHECK(data.questions() > 0);
            for (std::size_t at = 0; at < message.find("Received:");) {
                const std::size_t end = message.find("\r\n", at);
                CHECK(end - at <= 78);
                at = end + 2;
            }
        }
    }
}

TEST_CASE("what changes on the way is found", "[dkim][rfc6376]") {
    const std::string message = sign(kMessage, {ed_key()});
    CHECK(verify_one(message).code == Code::pass);
    CHECK(verify_one(replaced(message, "how are", "who are")).code == Code::fail);
    CHECK(verify_one(replaced(message, "alice@", "mallory@")).code == Code::fail);
    CHECK(verify_one(replaced(message, "Hello  Bob, ", "Hello Bob,")).code == Code::pass);
    CHECK(verify_one(replaced(message, "A  subject\r\n\tfolded", "A subject folded")).code == Code::pass);
    CHECK(verify_one(replaced(message, "Subject: ", "SUBJECT:\t")).code == Code::pass);
    CHECK(verify_one("Received: more\r\n" + message).code == Code::pass);
    CHECK(verify_one(message + "\r\n\r\n").code == Code::pass);
    CHECK(verify_one(message + "more\r\n").reason == "the body is not what was signed");
    CHECK(verify_one(replaced(message, "v=1", "v=2")).reason == "v= is not 1");
}

TEST_CASE("I7, D13: a second From does not hide behind a signature", "[dkim][rfc6376:8.15]") {
    for (const char* field : {"From: Bank <bank@example.com>\r\n", "Subject: other\r\n", "To: x@example.test\r\n",
             "Date: Mon, 23 Nov 2026 01:02:03 +0000\r\n", "Cc: new@example.test\r\n", "Reply-To: x@example.test\r\n"}) {
        INFO(field);
        // Our signer lists these once more than they are there.
        CHECK(verify_one(field + sign(kMessage, {ed_key()})).code == Code::fail);
    }
    // A signer that does not: the signature itself still fits.
    const std::string once = sign_by_hand(kTags);
    CHECK(verify_one(once).code == Code::pass);
    CHECK(verify_one("From: Bank <bank@example.com>\r\n" + once).code == Code::policy);
    CHECK(verify_one("Subject: other\r\n" + once).code == Code::policy);
    CHECK(verify_one("X-Other: other\r\n" + once).code == Code::pass);
    CHECK(verify_one(sign_by_hand(replaced(kTags, "h=from:to", "h=to"))).reason == "From is not signed");
}

TEST_CASE("I6: l= does not pass unless it is allowed", "[dkim][rfc6376:8.2]") {
    const std::string message = sign_by_hand(kTags + "; l=10", kMessage, ed_key().key, Canon::relaxed, 10);
    const Result strict = verify_one(message + "added\r\n");
    CHECK(strict.code == Code::policy);
    CHECK(strict.has_body_length);
    CHECK(strict.unsigned_octets == 27);
    Options options;
    options.allow_body_length = true;
    CHECK(verify_one(message + "added\r\n", options).code == Code::pass);
    CHECK(verify_one(replaced(message, "Hello", "Hallo"), options).code == Code::fail);
    const std::string too_long = sign_by_hand(kTags + "; l=100000", kMessage, ed_key().key, Canon::relaxed, 100'000);
    CHECK(verify_one(too_long, options).reason == "l= is more than the body has");
    CHECK(verify_one(sign_by_hand(kTags + "; l=-1")).reason == "l= is no length");
    CHECK(verify_one(sign_by_hand(kTags + "; l=99999999999999999999999")).reason == "l= is no length");
}

TEST_CASE("times of signatures", "[dkim][rfc6376:3.5]") {
    Options options;
    options.now = 1'000'000;
    const auto code = [&](const std::string& times) { return verify_one(sign_by_hand(kTags + times), options).code; };
    CHECK(code("; t=999999; x=1000001") == Code::pass);
    CHECK(code("; x=999999") == Code::permerror);
    CHECK(code("; t=1000002; x=1000001") == Code::permerror);
    CHECK(code("; t=1000000; x=1000000") == Code::permerror);
    CHECK(code("; t=1003600") == Code::pass);
    CHECK(code("; t=1003601") == Code::permerror);
    CHECK(code("; t=soon") == Code::permerror);
    CHECK(code("; x=99999999999999999999") == Code::permerror);
}

TEST_CASE("I8, I9: bad signatures are errors with a reason", "[dkim][rfc6376:6.1.1]") {
    struct Case {
        const char* name;
        const char* from;
        const char* to;
        Code code;
        const char* reason;
    };
    const Case cases[] = {
        {"no domain", "d=example.test; ", "", Code::permerror, "d= is missing or empty"},
        {"format letters", "d=example.test", "d=%s%n", Code::permerror, "d= is no domain name"},
        {"shell letters", "d=example.test", "d=${run{/bin/sh}}", Code::permerror, "d= is no domain name"},
        {"empty label", "d=example.test", "d=example..test", Code::permerror, "d= is no domain name"},
        {"no selector", "s=ed; ", "", Code::permerror, "s= is missing or empty"},
        {"identity elsewhere", "s=ed", "s=ed; i=a@notexample.test", Code::permerror, "i= is not in the domain of d="},
        {"identity without at", "s=ed", "s=ed; i=${run..}", Code::permerror, "i= has no \"@\""},
        {"identity below", "s=ed", "s=ed; i=a@b.example.test", Code::pass, ""},
        {"other version", "v=1", "v=0.5", Code::permerror, "v= is not 1"},
        {"no version", "v=1; ", "", Code::permerror, "v= is missing"},
        {"sha1", "a=ed25519-sha256", "a=rsa-sha1", Code::policy, "rsa-sha1 is not secure"},
        {"unknown algorithm", "a=ed25519-sha256", "a=rot13", Code::permerror, "a= is no known algorithm"},
        {"unknown canonicalization", "c=relaxed/relaxed", "c=relaxed/upside-down", Code::permerror,
            "c= is no known canonicalization"},
        {"unknown query", "s=ed", "s=ed; q=carrier/pigeon", Code::permerror, "q= has no known method"},
        {"known query among others", "s=ed", "s=ed; q=x/y : dns/txt", Code::pass, ""},
        {"tag twice", "s=ed", "s=ed; s=ed", Code::permerror, "s= twice"},
        {"empty tag", "s=ed", "s=ed;;", Code::permerror, "an empty tag"},
        {"no key", "s=ed", "s=missing", Code::permerror, "there is no key"},
        {"key of another type", "s=ed", "s=rsa", Code::permerror, "the key is of another type than a="},
        {"unknown tag", "s=ed", "s=ed; zz=1", Code::pass, ""},
    };
    for (const Case& c : cases) {
        DYNAMIC_SECTION(c.name) {
            const Result result = verify_one(sign_by_hand(replaced(kTags, c.from, c.to)));
            CHECK(result.code == c.code);
            CHECK(result.reason == c.reason);
        }
    }
    const std::string good = sign_by_hand(kTags);
    CHECK(verify_one(replaced(good, "; b=", "; b=!")).reason == "b= is empty or no base64");
    CHECK(verify_one(replaced(good, "; bh=", "; bh=!")).reason == "bh= is missing or no base64");
    CHECK(verify_one(replaced(good, "; bh=", "; zh=")).reason == "bh= is missing or no base64");
    std::string names = "h=from";
    for (int i = 0; i < 10'000; ++i)
        names += ":x";
    CHECK(
        verify_one(sign_by_hand(replaced(kTags, "h=from:to:subject:date", names))).reason == "h= has more than 1000 names");
}

TEST_CASE("I9: only the first signatures are looked at", "[dkim]") {
    std::string message = kMessage;
    for (int i = 0; i < 1000; ++i)
        message = "DKIM-Signature: x=1\r\n" + message;
    dns::ZoneData data = test_dns();
    const Verdict verdict = verify(sign(message, {ed_key()}), data);
    CHECK(verdict.signatures.size() == 8);
    CHECK(verdict.signatures[0].code == Code::pass);
    CHECK(verdict.ignored == 993);
    const Verdict again = verify(sign(sign(kMessage, {ed_key()}), {ed_key()}), data);
    CHECK(again.signatures.size() == 2);
    CHECK(again.signatures[1].code == Code::pass);
}

TEST_CASE("key records", "[dkim][rfc6376:3.6.1]") {
    const std::string message = sign_by_hand(kTags + "; i=alice@sub.example.test");
    const std::string p = "p=" + text::encode_base64(ed_key().key.public_data());
    struct Case {
        std::string record;
        Code code;
        const char* reason;
    };
    const Case cases[] = {
        {"k=ed25519; " + p, Code::pass, ""},
        {"v=DKIM1; k=ed25519; n=a note; x=unknown; " + p, Code::pass, ""},
        {"v=DKIM1; k=ed25519; h=sha1:sha256; s=email; " + p, Code::pass, ""},
        {"v=DKIM1; k=ed25519; h=sha1; " + p, Code::permerror, "the key is not for sha256"},
        {"v=DKIM1; k=ed25519; s=tlsrpt; " + p, Code::permerror, "the key is not for mail"},
        {"v=DKIM1; k=ed25519; p=", Code::permerror, "the key is revoked"},
        {"v=DKIM1; k=ed25519", Code::permerror, "bad key record: p= is missing"},
        {"v=DKIM1; k=ed25519; p=!!!", Code::permerror, "bad key record: p= is no base64"},
        {"v=DKIM1; k=ed25519; p=AAAA", Code::permerror, "bad key record: p= is no Ed25519 key"},
        {"v=DKIM2; k=ed25519; " + p, Code::permerror, "bad key record: v= is not DKIM1, or not in front"},
        {"k=ed25519; v=DKIM1; " + p, Code::permerror, "bad key record: v= is not DKIM1, or not in front"},
        {"v=DKIM1; k=ed25519; t=s; " + p, Code::permerror, "i= is below d=, and the key (t=s) does not allow that"},
        {"v=DKIM1; k=ed25519; t=y; " + p, Code::neutral, "verified, but the key is in test mode (t=y)"},
        {"v=DKIM1; k=ed25519; t=y:s; " + p, Code::permerror, "i= is below d=, and the key (t=s) does not allow that"},
        {"v=DKIM1; k=rsa; p=" + std::string(8190, 'A'), Code::permerror, "the key record is longer than 8192 octets"},
        {"v=spf1 -all", Code::permerror, "bad key record: v= is not DKIM1, or not in front"},
        {"", Code::permerror, "bad key record: no tags"},
    };
    for (const Case& c : cases) {
        INFO(c.record.substr(0, 80));
        dns::ZoneData data;
        data.add_txt("ed._domainkey.example.test", c.record);
        const Result result = only(verify(message, data));
        CHECK(result.code == c.code);
        CHECK(result.reason == c.reason);
        // The same record beside the right one: whichever fits counts (RFC 6376, 6.1.2).
        data.add_txt("ed._domainkey.example.test", "v=DKIM1; k=ed25519; " + p);
        if (c.code == Code::permerror && result.reason.find("t=s") == std::string::npos)
            CHECK(only(verify(message, data)).code == Code::pass);
    }
    dns::ZoneData data;
    data.set_trouble("ed._domainkey.example.test", dns::Status::temporary_failure);
    CHECK(only(verify(message, data)).code == Code::temperror);
    data.set_trouble("ed._domainkey.example.test", dns::Status::bogus);
    CHECK(only(verify(message, data)).code == Code::temperror);
    Options options;
    options.honour_test_mode = false;
    dns::ZoneData testing;
    testing.add_txt("ed._domainkey.example.test", "k=ed25519; t=y; " + p);
    const Result counted = only(verify(message, testing, options));
    CHECK(counted.code == Code::pass);
    CHECK(counted.testing);
}

TEST_CASE("RSA keys too short and too long are refused", "[dkim][rfc8301:3.2]") {
    struct Case {
        unsigned bits;
        Code code;
    };
    for (const Case& c : {Case{512, Code::policy}, Case{1016, Code::policy}, Case{1024, Code::pass}, Case{4096, Code::pass},
             Case{4160, Code::policy}}) {
        INFO(c.bits << " bits");
        const PrivateKey key = PrivateKey::generate_rsa(c.bits);
        dns::ZoneData data;
        data.add_txt("s._domainkey.example.test", key_record(key));
        const Result result = only(verify(sign(kMessage, {{key, {"example.test", "s", KeyType::rsa, ""}}}), data));
        CHECK(result.code == c.code);
        CHECK(result.key_bits == c.bits);
    }
}

TEST_CASE("headers of every size", "[dkim]") {
    dns::ZoneData data = test_dns();
    CHECK(verify("", data).signatures.empty());
    CHECK(verify("\r\n", data).signatures.empty());
    CHECK(verify("\r\nDKIM-Signature: v=1\r\n\r\n", data).signatures.empty());
    CHECK(verify("DKIM-Signature: v=1", data).signatures.size() == 1);
    CHECK(verify("From: a@example.test\r\nDKIM-Signature: v=1\r\n", data, {}, 1).signatures.size() == 1);
    // No empty line, no body: still a message.
    const std::string bare = "From: a@example.test\r\n";
    CHECK(only(verify(sign(bare, {ed_key()}), data)).code == Code::pass);
    Options options;
    options.max_header = 1000;
    const std::string long_header = "X: " + std::string(2000, 'x') + "\r\n" + sign(kMessage, {ed_key()});
    const Verdict verdict = verify(long_header, data, options);
    CHECK(only(verdict).reason == "the header is longer than 1000 octets");
    CHECK(only(verify(sign(kMessage, {ed_key()}), data, options, 50)).code == Code::pass);
}

TEST_CASE("names in UTF-8 are looked up as A-labels", "[dkim][rfc8616]") {
    dns::ZoneData data;
    data.add_txt("ed._domainkey.xn--bcher-kva.example", key_record(ed_key().key));
    const std::string message = sign_by_hand(replaced(kTags, "d=example.test", "d=bücher.example"));
    CHECK(only(verify(message, data)).code == Code::pass);
    CHECK(only(verify(sign_by_hand(replaced(kTags, "d=example.test", "d=bücher.example; i=a@mail.bücher.example")), data))
              .code == Code::pass);
}

namespace {

// A DNS that is as slow as one wants.
class SlowResolver final : public dns::Resolver {
  public:
    SlowResolver(event::Loop& loop, dns::ZoneData& data) : open(loop), data_(data) {}
    event::Task<dns::RawAnswer> query(std::string name, dns::Type type) override {
        ++asked;
        if (!released)
            co_await open.wait();
        dns::RawAnswer answer = co_await data_.query(std::move(name), type);
        co_return answer;
    }
    event::Notice open;
    bool released = false;
    int asked = 0;

  private:
    dns::ZoneData& data_;
};

event::Task<void> release_later(event::Loop& loop, SlowResolver& dns) {
    co_await event::Sleep(loop, std::chrono::milliseconds(5));
    dns.released = true;
    dns.open.notify_all();
}

}  // namespace

TEST_CASE("keys are asked for while the body arrives, and nobody is left waiting", "[dkim]") {
    event::Loop loop;
    dns::ZoneData data = test_dns();
    SlowResolver dns(loop, data);
    KeyCache keys;
    const std::string message = sign(kMessage, {rsa_key(), ed_key()});
    {
        Verifier dropped(loop, dns, keys, {});
        dropped.feed(message.substr(0, message.size() - 5));
        CHECK(dns.asked == 2);
    }
    loop.run_until_idle();  // the questions of the dropped one are gone
    Verifier verifier(loop, dns, keys, {});
    verifier.feed(message);
    CHECK(dns.asked == 4);
    Verdict verdict;
    loop.spawn(run_finish(verifier, verdict));
    CHECK(verdict.signatures.empty());
    loop.spawn(release_later(loop, dns));
    loop.run_until_idle();
    REQUIRE(verdict.signatures.size() == 2);
    CHECK(verdict.signatures[0].code == Code::pass);
    CHECK(verdict.signatures[1].code == Code::pass);
}

TEST_CASE("a body of 100 MB takes no memory", "[dkim]") {
    constexpr int kPieces = 1600;
    const std::string header = "From: a@example.test\r\n\r\n";
    std::string piece;
    while (piece.size() < 65536)
        piece += "A line of  text with blanks in it \r\n\r\n";
    Signer signer{SignOptions()};
    signer.feed(header);
    for (int i = 0; i < kPieces; ++i)
        signer.feed(piece);
    signer.end();
    const auto fields = signer.make_fields({ed_key().who});
    REQUIRE(fields);
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    event::Loop loop;
    dns::ZoneData dns = test_dns();
    KeyCache keys;
    Verifier verifier(loop, dns, keys, {});
    verifier.feed(complete(fields->front(), ed_key().key.sign(fields->front().hash).value()) + header);
    for (int i = 0; i < kPieces; ++i)
        verifier.feed(piece);
    Verdict verdict;
    loop.spawn(run_finish(verifier, verdict));
    loop.run_until_idle();
    getrusage(RUSAGE_SELF, &after);
    CHECK(only(verdict).code == Code::pass);
    CHECK(after.ru_maxrss - before.ru_maxrss < 4096);  // KiB
}

TEST_CASE("a cache of keys forgets the oldest", "[dkim]") {
    KeyCache cache(2);
    std::vector<KeyRecord> records;
    for (int i = 0; i < 3; ++i)
        records.push_back({KeyType::ed25519, PrivateKey::generate_ed25519().public_data(), false, false});
    for (int round = 0; round < 3; ++round)
        for (const KeyRecord& record : records)
            CHECK(cache.load(record).has_value());
    CHECK_FALSE(cache.load({KeyType::rsa, "nonsense", false, false}).has_value());
}

TEST_CASE("RSA keys in both forms, and in none", "[dkim][rfc6376:3.6.1]") {
    const std::string info = rsa_key().key.public_data();
    // The RSAPublicKey inside begins behind the algorithm and the bit string's own octets.
    const std::string bare = info.substr(24);
    CHECK(static_cast<unsigned char>(bare[0]) == 0x30);
    const std::string hash = Sha256::of("x"), signature = rsa_key().key.sign(hash).value();
    for (const std::string& form : {info, bare}) {
        const auto key = PublicKey::load(KeyType::rsa, form);
        REQUIRE(key);
        CHECK(key->bits() == 2048);
        CHECK(key->verifies(hash, signature));
        CHECK_FALSE(key->verifies(Sha256::of("y"), signature));
        for (std::size_t cut = 0; cut < form.size(); ++cut)
            CHECK_FALSE(PublicKey::load(KeyType::rsa, form.substr(0, cut)));
    }
    CHECK_FALSE(PublicKey::load(KeyType::rsa, ed_key().key.public_data()));
    CHECK_FALSE(PublicKey::load(KeyType::rsa, std::string("\x30\x84\xff\xff\xff\xff", 6)));
    CHECK_FALSE(PublicKey::load(KeyType::rsa, std::string("\x30\x06\x02\x01\x80\x02\x01\x03", 8)));
}

TEST_CASE("private keys", "[dkim]") {
    const PrivateKey key = PrivateKey::generate_ed25519();
    const auto again = PrivateKey::parse(key.pem());
    REQUIRE(again);
    CHECK(again->public_data() == key.public_data());
    CHECK_FALSE(PrivateKey::parse("").has_value());
    CHECK_FALSE(PrivateKey::parse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").has_value());
    CHECK_FALSE(
        PrivateKey::parse("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQww\n-----END "
                          "ENCRYPTED PRIVATE KEY-----\n")
            .has_value());
}
