// lib/dkim/sign_table.h - one value of dkim_sign_table: with which keys a domain's mail is signed; and that of arc_seal_key.
//
//     example.test      2026a:/etc/malleposte/dkim/2026a.example.test.key 2026e:/etc/malleposte/dkim/2026e.example.test.key
//     .example.test     d=example.test 2026a:/etc/malleposte/dkim/2026a.example.test.key
//     lists.example.test  none
//
// Failure     a reason with the word that is wrong.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace dkim {

struct SignTableKey {
    std::string selector;
    std::string file;
};

struct SignTableEntry {
    std::vector<SignTableKey> keys;    // none: "none", this mail stays unsigned
    std::string domain;                // d=; empty: the domain that was looked up
    bool unsigned_on_failure = false;  // rather than wait until the key can be used
};

std::expected<SignTableEntry, std::string> parse_sign_table_entry(std::string_view value);

// The value of arc_seal_key, domain:selector:/key/file.
struct SealKey {
    std::string domain;
    std::string selector;
    std::string file;
};
std::expected<SealKey, std::string> parse_seal_key(std::string_view value);

// What to look up for an address in From, the most special first: alice@news.example.test, news.example.test,
// .example.test, .test. `whole` is for the first alone: parts of an address are not for pattern tables.
struct SignTableQuestion {
    std::string key;
    std::string domain;  // d= of an entry that names none
    bool whole = false;
};
std::vector<SignTableQuestion> sign_table_questions(const std::string& local, const std::string& domain);

}  // namespace dkim
