// lib/dkim/body_hashes.h - the body hashes that a message's signatures want, made in one pass.
//
//     std::size_t wanted = hashes.add(Canon::relaxed, std::nullopt);
//     hashes.feed(octets); ... hashes.finish();
//     hashes.hash(wanted);
//
// Signatures that want the same share one hash, and hashes of the same canonical form share one canonicalizer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dkim/body_canon.h"
#include "lib/dkim/crypto.h"

namespace dkim {

class BodyHashes {
  public:
    // `length` is l=: only so many octets of the canonical form. All add() come before the first feed().
    std::size_t add(Canon canon, std::optional<std::uint64_t> length);
    void feed(std::string_view octets);
    void finish();

    bool empty() const { return hashes_.empty(); }
    const std::string& hash(std::size_t index) const { return hashes_[index].value; }
    // Octets of the canonical form that stand behind the hashed ones.
    std::uint64_t behind(std::size_t index) const;
    // l= promises more than there is.
    bool too_short(std::size_t index) const;

  private:
    struct Hash {
        Canon canon;
        std::optional<std::uint64_t> length;
        std::uint64_t taken = 0;
        Sha256 digest;
        std::string value;
    };
    class Form final : public BodySink {
      public:
        Form(Canon canon, std::vector<Hash>& hashes) : canon_(canon), hashes_(hashes), canonicalizer_(canon, *this) {}
        void take(std::string_view piece) override;
        Canon canon() const { return canon_; }
        std::uint64_t size() const { return size_; }
        BodyCanonicalizer& canonicalizer() { return canonicalizer_; }

      private:
        Canon canon_;
        std::vector<Hash>& hashes_;
        std::uint64_t size_ = 0;
        BodyCanonicalizer canonicalizer_;
    };

    std::vector<Hash> hashes_;
    std::unique_ptr<Form> forms_[2];  // by Canon
};

}  // namespace dkim
