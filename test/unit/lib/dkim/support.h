// test/unit/lib/dkim/support.h - messages, keys and a DNS for the tests of this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/dkim/arc_seal.h"
#include "lib/dkim/signer.h"
#include "lib/dkim/verifier.h"
#include "lib/dns/zone_data.h"
#include "lib/text/text.h"

namespace dkim_test {

inline std::string with_crlf(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out += '\r';
        out += text[i];
    }
    return out;
}

inline event::Task<void> run_finish(dkim::Verifier& verifier, dkim::Verdict& verdict) {
    verdict = co_await verifier.finish();
}

// Feeds the message in pieces of the given size.
inline dkim::Verdict verify(
    std::string_view message, dns::Resolver& resolver, dkim::Options options = {}, std::size_t piece = std::string::npos) {
    event::Loop loop;
    dkim::KeyCache keys;
    dkim::Verifier verifier(loop, resolver, keys, options);
    for (std::size_t at = 0; at < message.size(); at += std::min(piece, message.size() - at))
        verifier.feed(message.substr(at, piece));
    dkim::Verdict verdict;
    loop.spawn(run_finish(verifier, verdict));
    loop.run_until_idle();
    return verdict;
}

struct TestKey {
    dkim::PrivateKey key;
    dkim::SigningKey who;
};

inline std::string key_record(const dkim::PrivateKey& key, std::string_view more = "") {
    return std::string("v=DKIM1; k=") + (key.type() == dkim::KeyType::rsa ? "rsa" : "ed25519") + "; " + std::string(more) +
           "p=" + text::encode_base64(key.public_data());
}

// RSA keys are slow to make, so the tests share one.
inline const TestKey& rsa_key() {
    static const TestKey key{dkim::PrivateKey::generate_rsa(2048), {"example.test", "rsa", dkim::KeyType::rsa, ""}};
    return key;
}
inline const TestKey& ed_key() {
    static const TestKey key{dkim::PrivateKey::generate_ed25519(), {"example.test", "ed", dkim::KeyType::ed25519, ""}};
    return key;
}

inline dns::ZoneData test_dns() {
    dns::ZoneData data;
    data.add_txt("rsa._domainkey.example.test", key_record(rsa_key().key));
    data.add_txt("ed._domainkey.example.test", key_record(ed_key().key));
    return data;
}

inline std::string sign(std::string_view message, const std::vector<TestKey>& keys, dkim::SignOptions options = {}) {
    std::vector<dkim::SigningKey> who;
    for (const TestKey& key : keys)
        who.push_back(key.who);
    dkim::Signer signer(options);
    signer.feed(message);
    signer.end();
    const auto fields = signer.make_fields(who);
    if (!fields)
        throw std::runtime_error(fields.error());
    std::string header;
    for (std::size_t i = 0; i < keys.size(); ++i)
        header += dkim::complete((*fields)[i], keys[i].key.sign((*fields)[i].hash).value());
    return header + std::string(message);
}

}  // namespace dkim_test
