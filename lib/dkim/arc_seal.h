// lib/dkim/arc_seal.h - adds a set to a message's ARC chain, before it goes on to somebody else.
//
//     dkim::ArcSealMaker maker(key, options);
//     for each piece: maker.feed(piece);
//     auto message_hash = maker.begin(verdict.arc, authserv_id, results);   // nothing: this chain is not to be continued
//     std::string seal_hash = maker.seal(private_key.sign(*message_hash));
//     std::string fields = maker.finish(private_key.sign(seal_hash));        // goes on top of the message
//
// Whoever learns only from the signature what kind of key made it calls begin() for each kind, and once more for the right
// one, with use_key_type() before.
//
// As with Signer, the private key is elsewhere; it is needed twice, because the seal covers the message signature.
//
// Standards   RFC 8617, 4.1 and 5.1
// Failure     begin() gives a reason where nothing can be sealed, and no value where nothing should be: a chain that has
//             failed before, or one with 50 sets.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/authres/authres.h"
#include "lib/dkim/arc_chain.h"
#include "lib/dkim/message_tap.h"
#include "lib/dkim/signer.h"

namespace dkim {

struct ArcSealOptions {
    std::int64_t now = 0;            // t=
    std::vector<std::string> names;  // h= of the message signature, as it shall be; empty: default_signed_names()
};

class ArcSealMaker {
  public:
    ArcSealMaker(SigningKey key, ArcSealOptions options);
    void feed(std::string_view octets) { tap_.feed(octets); }
    void end();                                                  // begin() does it where it was not done
    const std::string& header() const { return tap_.header(); }  // after end()
    void use_key_type(KeyType type) { key_.type = type; }

    std::expected<std::optional<std::string>, std::string> begin(
        const ArcVerdict& chain, const std::string& authserv_id, const std::vector<authres::Result>& results);
    std::string seal(std::string_view message_signature);
    std::string finish(std::string_view seal_signature);

  private:
    std::string algorithm() const;

    SigningKey key_;
    ArcSealOptions options_;
    MessageTap tap_;
    bool ended_ = false;
    unsigned instance_ = 0;
    Code chain_ = Code::none;
    std::string results_;  // the three fields, complete
    std::string message_;
    Unsigned unsigned_message_;
    Unsigned unsigned_seal_;
};

// What a message's own Authentication-Results fields of this authserv-id say, all of them together: what the border host
// of the same domain found out.
std::vector<authres::Result> collect_results(const HeaderFields& fields, std::string_view authserv_id);

}  // namespace dkim
