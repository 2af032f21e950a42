// cleanup/signer/key_ring.h - the private keys, read once before root is given up.
//
// Failure     a key that cannot be used is remembered with its reason; requests for it get that reason.
// Trust       files are the administrator's; one that group or others may read is no secret, and is refused.
#pragma once

#include <expected>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "lib/config/values.h"
#include "lib/dkim/crypto.h"

namespace signer {

class KeyRing {
  public:
    void load(const std::string& file);

    std::expected<dkim::PrivateKey, std::string> find(const std::string& file) const;
    const std::map<std::string, std::expected<dkim::PrivateKey, std::string>>& all() const { return keys_; }

  private:
    std::map<std::string, std::expected<dkim::PrivateKey, std::string>> keys_;
};

// The key files that the values of the tables name; what is wrong with a table goes to `problems`.
std::set<std::string> find_key_files(const config::List& tables, std::vector<std::string>& problems);

}  // namespace signer
