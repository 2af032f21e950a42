// test/unit/imapd/auth/password_test.cc - password schemes, the passwd-file, and the messages of PLAIN and LOGIN.
#include "imapd/auth/password.h"

#include "imapd/auth/mechanism.h"
#include "imapd/auth/passwd_file.h"
#include "test/support/catch.h"

using auth::Check;

namespace {

// All of "secret", made by another implementation.
const char* const kHashes[] = {
    "{PLAIN}secret",
    "{plain}secret",
    "{CRYPT}$2y$05$1aICEMAJNLjE4yAr4OgJtefPWbA3wE.1fFmt/8cGdvxyDmCTx.83S",
    "{MD5-CRYPT}$1$jIKGdf0f$qyuVUwrnI8UgtIszHy44V/",
    "{SHA256-CRYPT}$5$eW3V2iwSMLcskoaB$7v9aVEnYeWDeJJaOFXxjTK8kqhXy90fGl1NIfvKGqAC",
    "{SHA512-CRYPT}$6$uum9ofvdBmkMdppw$oC5bHNjhQl9134EvJwljE41c2hHQuQSTG.MpJGZkaMOAWw3W5ybCdVheCJWGfw45KTMLN."
    "I3ZP4qmsPYxEWSD0",
    "{BLF-CRYPT}$2y$05$GECFNlnvMmZOpSPFdSVnIe0vApoWt8yb7K.zse4d6CwGfnNx/7TNK",
    "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$jKTTtPL4xEoisAYpO5BErg$Plw0f9TcQ9KKiHarg2m8uSAxAcymb6Z1xK0Q+D3H+j8",
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c6IcRqvN8CFq9sV93gRDRA$/hqbXQ/gOzC60RH/2UT2+dJAxB8boN9aC6RwLlwEhnE",
    "{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==",
    "{SSHA512}Lt1fYsdZp7zKxuJtaZX6LcTT2k+U/I+WZo5XFmfzpVirhgvA6sSW8UUthZ0pN8PlSwzBT040xZvg2SzKiTiBcixE+2M=",
    "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
    "{SSHA256}nYK4U9e5rugkZU1wRXKzLIeB6cb+hCS0DmWMXVTMQL0wjYTy",
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "{SSHA}LY0olTsLOv/RneUiQA5TIwxLbIpiUqMf",
    "{SHA.HEX}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
    "{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
    "{SSHA.HEX}7b302128cdd8fc742b31ef27f5509afeb16bd7e96776d2fd",
    "{SHA512.b64}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==",
    "$6$uum9ofvdBmkMdppw$oC5bHNjhQl9134EvJwljE41c2hHQuQSTG.MpJGZkaMOAWw3W5ybCdVheCJWGfw45KTMLN.I3ZP4qmsPYxEWSD0",
};

Check check(const char* stored, std::string_view password) {
    return auth::check_password(auth::parse_stored(stored, "CRYPT"), password);
}

}  // namespace

TEST_CASE("every scheme knows its password, and no other", "[auth]") {
    for (const char* hash : kHashes) {
        CAPTURE(hash);
        CHECK(check(hash, "secret") == Check::match);
        CHECK(check(hash, "Secret") == Check::mismatch);
        CHECK(check(hash, "") == Check::mismatch);
        CHECK(check(hash, std::string_view("secret\0x", 8)) != Check::match);
    }
}

TEST_CASE("what is no hash never matches", "[auth]") {
    for (const char* stored : {"", "*", "!", "x", "{NOSUCH}secret", "{SHA512-CRYPT}$1$jIKGdf0f$qyuVUwrnI8UgtIszHy44V/",
             "{SHA512-CRYPT}!$6$x$y", "{CRYPT}", "{SHA}short", "{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{ARGON2ID}$argon2id$",
             "{ARGON2ID}x", "{SHA.HEX}zz", "{", "{}", "{PLAIN"}) {
        CAPTURE(stored);
        CHECK(check(stored, "secret") != Check::match);
        CHECK(check(stored, "") != Check::match);
        CHECK(check(stored, stored) != Check::match);
    }
}

TEST_CASE("passwords are made that can be checked", "[auth]") {
    for (const char* scheme : {"SHA512-CRYPT", "sha256-crypt", "BLF-CRYPT", "CRYPT", "PLAIN"}) {
        CAPTURE(scheme);
        auto made = auth::make_password(scheme, "s3cret\xc3\xa9");
        REQUIRE(made);
        CHECK(check(made->c_str(), "s3cret\xc3\xa9") == Check::match);
    }
    CHECK(*auth::make_password("SHA512-CRYPT", "x") != *auth::make_password("SHA512-CRYPT", "x"));
    CHECK_FALSE(auth::make_password("NOSUCH", "x"));
    CHECK_FALSE(auth::make_password("MD5-CRYPT", "x"));
    CHECK_FALSE(auth::make_password("PLAIN", "a:b"));
}

TEST_CASE("the passwd-file", "[auth]") {
    auto file = auth::PasswdFile::parse(
        "# comment\nAlice@Example.test:{PLAIN}a:1000:1001:Alice A:/home/alice:/bin/sh:userdb_mail=maildir:~/Mail nologin "
        "odd=1\n"
        "bob:{PLAIN}b\r\n\n:nobody\nBOB:{PLAIN}again\ncarol\n",
        "users");
    REQUIRE(file.users().size() == 3);
    const auth::UserEntry* alice = file.find("alice@example.test");
    REQUIRE(alice);
    CHECK(alice->uid == "1000");
    CHECK(alice->home == "/home/alice");
    CHECK(*alice->find_extra("userdb_mail") == "maildir:~/Mail");
    CHECK(alice->find_extra("nologin") != nullptr);
    CHECK(file.find("bob")->password == "{PLAIN}b");
    CHECK(file.find("carol")->password.empty());
    CHECK(file.find("dave") == nullptr);
    CHECK(file.problems() == std::vector<std::string>{"users, line 2: odd has no effect here", "users, line 5: no user name",
                                 "users, line 6: user bob is there already"});
    CHECK(auth::format_entry(*alice) ==
          "alice@example.test:{PLAIN}a:1000:1001:Alice A:/home/alice:/bin/sh:userdb_mail=maildir:~/Mail nologin odd=1");
    CHECK(auth::fill_pattern("/mail/%d/%n/%u%%%x", "al@x.test") == "/mail/x.test/al/al@x.test%%x");
    CHECK(auth::fill_pattern("/mail/%d/%n", "al") == "/mail//al");
}

TEST_CASE("PLAIN", "[auth][rfc4616:2]") {
    struct Row {
        std::string message;
        const char* user;
        const char* password;
    };
    const Row kRows[] = {
        {std::string("\0alice\0secret", 13), "alice", "secret"},
        {std::string("alice\0alice\0secret", 18), "alice", "secret"},
        {std::string("ALICE\0alice\0se cret", 19), "alice", "se cret"},
        {std::string("bob\0alice\0secret", 16), nullptr, nullptr},
        {std::string("\0alice\0", 7), nullptr, nullptr},
        {std::string("\0\0secret", 8), nullptr, nullptr},
        {std::string("\0alice\0sec\0ret", 14), nullptr, nullptr},
        {"alice", nullptr, nullptr},
        {"", nullptr, nullptr},
    };
    for (const Row& row : kRows) {
        CAPTURE(row.message);
        auth::Said said = auth::Mechanism::make("plain")->take(row.message);
        if (row.user == nullptr) {
            CHECK(said.kind == auth::Said::Kind::malformed);
            continue;
        }
        REQUIRE(said.kind == auth::Said::Kind::credentials);
        CHECK(said.user == row.user);
        CHECK(said.password == row.password);
    }
    CHECK(auth::Mechanism::make("PLAIN")->take(std::nullopt).challenge.empty());
    CHECK_FALSE(auth::Mechanism::make("CRAM-MD5"));
}

TEST_CASE("LOGIN", "[auth]") {
    auto mechanism = auth::Mechanism::make("LOGIN");
    CHECK(mechanism->take(std::nullopt).challenge == "Username:");
    CHECK(mechanism->take("alice").challenge == "Password:");
    auth::Said said = mechanism->take("secret");
    CHECK(said.kind == auth::Said::Kind::credentials);
    CHECK(said.user == "alice");
    CHECK(said.password == "secret");
    auto initial = auth::Mechanism::make("LOGIN");
    CHECK(initial->take("alice").challenge == "Password:");
    auto empty = auth::Mechanism::make("LOGIN");
    CHECK(empty->take("").challenge == "Username:");
    CHECK(empty->take("alice").challenge == "Password:");
    CHECK(empty->take("").kind == auth::Said::Kind::malformed);
}
