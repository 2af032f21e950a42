// test/bench/dkim_bench.cc - how fast signatures are verified, and bodies made canonical.
//
//   dkim_bench FOLDER [SECONDS]
//
// Writes FOLDER/message.eml (10 KB, one RSA-2048 signature) and FOLDER/records, on which opendkim_peer can be run, measures
// the verifier on the same octets, OpenSSL's bare SHA-256 and RSA verification of them, and canonicalization without
// hashing.
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include "lib/dkim/body_canon.h"
#include "lib/dkim/signer.h"
#include "lib/dkim/verifier.h"
#include "lib/dns/zone_data.h"
#include "lib/text/text.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Calls per second.
double measure(double limit, const std::function<void()>& call) {
    for (int i = 0; i < 20; ++i)
        call();
    std::size_t count = 0;
    const auto begin = Clock::now();
    while (seconds_since(begin) < limit) {
        for (int i = 0; i < 20; ++i)
            call();
        count += 20;
    }
    return static_cast<double>(count) / seconds_since(begin);
}

std::string prose(std::size_t size) {
    const char* words[] = {
        "and", "the", "message", "of", "today", "came", "with", "a", "letter", "from", "nobody", "in", "particular,"};
    std::string text, line;
    for (std::size_t i = 0; text.size() < size; i = i * 7 + 3) {
        line += words[i % std::size(words)];
        if (line.size() > 68) {
            text += line + "\r\n";
            line.clear();
        } else {
            line += ' ';
        }
    }
    return text;
}

std::string base64_lines(std::size_t size) {
    std::string octets, text;
    for (std::size_t i = 0; i < 57; ++i)
        octets += static_cast<char>(i * 37);
    const std::string line = text::encode_base64(octets) + "\r\n";
    while (text.size() < size)
        text += line;
    return text;
}

std::string source_code(std::size_t size) {
    std::string text;
    while (text.size() < size)
        text +=
            "    for (std::size_t i = 0; i < count; ++i) {\r\n        total += values[i];   // every one\r\n    }\r\n\r\n";
    return text;
}

std::string signed_message(const dkim::PrivateKey& key) {
    std::string message =
        "Received: from client.example.net (client.example.net [192.0.2.7])\r\n\tby mx.example.test (Malleposte) with "
        "ESMTPS id X;\r\n"
        "\tSun, 22 Nov 2026 01:02:03 +0000 (UTC)\r\nFrom: Alice Example <alice@example.com>\r\nTo: Bob "
        "<bob@example.test>\r\n"
        "Subject: A message of the usual size\r\nDate: Sun, 22 Nov 2026 01:02:03 +0000\r\nMessage-ID: <1@example.com>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n";
    message += prose(10'000 - message.size());
    dkim::SignOptions options;
    options.now = 1'700'000'000;
    dkim::Signer signer(options);
    signer.feed(message);
    signer.end();
    const auto fields = signer.make_fields({{"example.com", "bench", dkim::KeyType::rsa, ""}});
    return dkim::complete(fields->front(), *key.sign(fields->front().hash)) + message;
}

event::Task<void> finish(dkim::Verifier& verifier, dkim::Verdict& verdict) { verdict = co_await verifier.finish(); }

void verify(event::Loop& loop, dns::Resolver& dns, dkim::KeyCache& keys, const std::string& message) {
    dkim::Verifier verifier(loop, dns, keys, {});
    for (std::size_t at = 0; at < message.size(); at += 4096)
        verifier.feed(std::string_view(message).substr(at, 4096));
    dkim::Verdict verdict;
    loop.spawn(finish(verifier, verdict));
    loop.run_until_idle();
    if (verdict.signatures.size() != 1 || verdict.signatures[0].code != dkim::Code::pass) {
        std::fprintf(
            stderr, "does not verify: %s\n", verdict.signatures.empty() ? "" : verdict.signatures[0].reason.c_str());
        std::exit(1);
    }
}

// What nobody can do without: hash the octets, verify one signature with a key that is there already.
double measure_openssl(double limit, const dkim::PrivateKey& key, const std::string& message) {
    const std::string der = key.public_data();
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    EVP_PKEY* public_key = d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()));
    EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    EVP_MD_CTX* digest = EVP_MD_CTX_new();
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(nullptr, public_key, nullptr);
    EVP_PKEY_verify_init(context);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING);
    EVP_PKEY_CTX_set_signature_md(context, sha256);
    unsigned char hash[32];
    EVP_Digest(message.data(), message.size(), hash, nullptr, sha256, nullptr);
    const std::string signature = key.sign({reinterpret_cast<char*>(hash), sizeof hash}).value();
    const double rate = measure(limit, [&] {
        EVP_DigestInit_ex2(digest, sha256, nullptr);
        EVP_DigestUpdate(digest, message.data(), message.size());
        EVP_DigestFinal_ex(digest, hash, nullptr);
        if (EVP_PKEY_verify(
                context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(), hash, sizeof hash) != 1)
            std::exit(1);
    });
    EVP_PKEY_CTX_free(context);
    EVP_MD_CTX_free(digest);
    EVP_MD_free(sha256);
    EVP_PKEY_free(public_key);
    return rate;
}

class Nowhere final : public dkim::BodySink {
  public:
    void take(std::string_view piece) override { octets += piece.size(); }
    std::size_t octets = 0;
};

void measure_canonicalization(double limit, const char* name, const std::string& body) {
    for (dkim::Canon canon : {dkim::Canon::simple, dkim::Canon::relaxed}) {
        const double rate = measure(limit, [&] {
            Nowhere nowhere;
            dkim::BodyCanonicalizer canonicalizer(canon, nowhere);
            for (std::size_t at = 0; at < body.size(); at += 65536)
                canonicalizer.feed(std::string_view(body).substr(at, 65536));
            canonicalizer.finish();
            if (nowhere.octets == 0)
                std::exit(1);
        });
        std::printf("canonicalization %s, %s: %.2f GB/s\n", canon == dkim::Canon::simple ? "simple" : "relaxed", name,
            rate * static_cast<double>(body.size()) / 1e9);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2)
        return 64;
    const std::string folder = argv[1];
    const double limit = argc > 2 ? std::atof(argv[2]) : 2;
    const dkim::PrivateKey key = dkim::PrivateKey::generate_rsa(2048);
    const std::string message = signed_message(key);
    const std::string record = "v=DKIM1; k=rsa; p=" + text::encode_base64(key.public_data());
    std::ofstream(folder + "/message.eml", std::ios::binary) << message;
    std::ofstream(folder + "/records") << "bench._domainkey.example.com " << record << "\n";

    event::Loop loop;
    dns::ZoneData dns;
    dns.add_txt("bench._domainkey.example.com", record);
    dkim::KeyCache keys;
    std::printf("message of %zu octets, one RSA-2048 signature, relaxed/relaxed\n", message.size());
    std::printf("verifier: %.0f verifications per second\n", measure(limit, [&] { verify(loop, dns, keys, message); }));
    std::printf("verifier, key parsed anew each time: %.0f verifications per second\n", measure(limit, [&] {
        dkim::KeyCache fresh;
        verify(loop, dns, fresh, message);
    }));
    std::printf("OpenSSL SHA-256 and RSA verify alone: %.0f per second\n", measure_openssl(limit, key, message));
    constexpr std::size_t kBody = 16 << 20;
    measure_canonicalization(limit, "base64", base64_lines(kBody));
    measure_canonicalization(limit, "prose", prose(kBody));
    measure_canonicalization(limit, "source code", source_code(kBody));
    return 0;
}
