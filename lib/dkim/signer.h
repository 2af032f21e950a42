// lib/dkim/signer.h - signs one message with any number of keys while it streams through.
//
//     dkim::Signer signer(options);
//     for each piece: signer.feed(piece);
//     signer.end();                              // from here on header() tells whose message it is
//     for (dkim::Unsigned& field : signer.make_fields(keys))
//         header = dkim::complete(field, key.sign(field.hash)) + header;
//
// The private keys are nowhere in here: what a key gets to see is a hash of 32 octets, so the step with the key can be
// another process.
//
// Fields that a reader acts on are listed once more than they are there (From, To, Cc, Subject, Date, Reply-To always,
// others if they are there), so nobody can add a second one behind our back.
//
// Standards   RFC 6376, 3.5, 5; RFC 8301; RFC 8463
// Failure     make_fields() gives a reason for a message that cannot be signed: no From, a header without end.
// Lifetime    values own their text.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dkim/crypto.h"
#include "lib/dkim/header_fields.h"
#include "lib/dkim/message_tap.h"
#include "lib/dkim/signature.h"

namespace dkim {

// Which key, and in whose name. The key itself is somewhere else.
struct SigningKey {
    std::string domain;
    std::string selector;
    KeyType type = KeyType::rsa;
    std::string identity;  // i=; empty: left out
};

struct SignOptions {
    Canon header_canon = Canon::relaxed;
    Canon body_canon = Canon::relaxed;
    std::int64_t now = 0;                 // t=; 0: left out
    std::int64_t lifetime = 0;            // x= is so many seconds after t=; 0: left out
    std::vector<std::string> names;       // what to sign, lower case; empty: default_signed_names()
    std::vector<std::string> oversigned;  // empty: default_oversigned_names()
};

const std::vector<std::string>& default_signed_names();
const std::vector<std::string>& default_oversigned_names();

// A field without the value of its b=, and what has to be signed for it.
struct Unsigned {
    std::string text;          // "DKIM-Signature: ...; b=", folded, no line end
    std::string hash;          // SHA-256
    std::size_t value_at = 0;  // where in the text the value of b= goes
};

// The field with its signature, ending in CR LF.
enum class Fold { short_lines, one_line };
std::string complete(const Unsigned& field, std::string_view signature, Fold fold = Fold::short_lines);

class Signer {
  public:
    explicit Signer(SignOptions options);
    void feed(std::string_view octets) { tap_.feed(octets); }
    void end() { tap_.finish(); }

    // After end().
    const std::string& header() const { return tap_.header(); }
    bool header_is_too_long() const { return tap_.too_long(); }
    // One for each key, in their order.
    std::expected<std::vector<Unsigned>, std::string> make_fields(const std::vector<SigningKey>& keys) const;

  private:
    SignOptions options_;
    MessageTap tap_;
};

// The h= of a message: what is there of `names`, and one more of each that shall stay alone.
std::vector<std::string> names_to_sign(
    const HeaderFields& fields, const std::vector<std::string>& names, const std::vector<std::string>& oversigned);

// Builds the text of a field from tags, folded at their borders; a long h= is folded at its colons.
class TagWriter {
  public:
    explicit TagWriter(std::string_view field_name) : text_(std::string(field_name) + ":"), line_(text_.size()) {}
    void add(std::string_view name, std::string_view value);
    void add_names(std::string_view name, const std::vector<std::string>& names);
    // b=, whose value comes later.
    void add_signature();
    // The text, and in it where the value of b= goes. The hash is still to be made.
    Unsigned finish();

  private:
    void put(const std::string& piece, bool spaced);
    std::string text_;
    std::size_t line_;
    std::size_t value_at_ = 0;
};

// The text of an unsigned field as the header will have it, for its own hash.
Field unsigned_field(std::string name, const Unsigned& field);

}  // namespace dkim
