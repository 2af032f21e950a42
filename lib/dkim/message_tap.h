// lib/dkim/message_tap.h - a message that streams through on its way to be signed: its header kept, its body hashed.
//
// Failure     a header over kMaxSignedHeader octets: too_long().
// Trust       the message is a user's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lib/dkim/body_hashes.h"

namespace dkim {

inline constexpr std::size_t kMaxSignedHeader = 4 * 1024 * 1024;

class MessageTap {
  public:
    explicit MessageTap(Canon body_canon) { hash_ = hashes_.add(body_canon, std::nullopt); }
    void feed(std::string_view octets);
    void finish();

    bool too_long() const { return too_long_; }
    // After finish().
    const std::string& header() const { return header_; }
    const std::string& body_hash() const { return hashes_.hash(hash_); }

  private:
    BodyHashes hashes_;
    std::size_t hash_ = 0;
    std::string header_;
    std::size_t searched_ = 0;
    bool in_body_ = false;
    bool too_long_ = false;
};

}  // namespace dkim
