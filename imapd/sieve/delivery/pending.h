// imapd/sieve/delivery/pending.h - the copies of one message that go into mailboxes: all of them, or none.
//
//     pending.add("Lists", octets, {"\\Seen"}, false);      // in tmp/, on the disk's account
//     pending.add("INBOX", octets, {}, false);
//     if (auto failed = pending.commit()) ...               // nothing is left then
//
// Failure     add() says why a mailbox cannot take the message; the first trouble with the disk waits for commit().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/store/account.h"
#include "lib/store/failure.h"

namespace sieve_delivery {

class Pending {
  public:
    struct Stored {
        std::string mailbox;
        std::uint32_t uid = 0;
    };

    explicit Pending(store::Account& account) : account_(account) {}

    // Empty, or why there is no such mailbox. A second copy for the same mailbox with the same octets is none.
    std::string add(const std::string& mailbox, std::string_view octets, const std::vector<std::string>& flags, bool create);

    // Everything is durable, or the failure of the first copy that could not be; then the others are gone again.
    std::optional<store::Failure> commit();
    const std::vector<Stored>& stored() const { return stored_; }

  private:
    struct Copy {
        std::string mailbox;
        std::uint64_t hash = 0;  // of the octets: an edited message is another one
        std::unique_ptr<store::Mailbox> open;
        std::unique_ptr<store::Delivery> delivery;
        store::Delivery::Options options;
    };
    void take_back();

    store::Account& account_;
    std::vector<Copy> copies_;
    std::vector<Stored> stored_;
    std::optional<store::Failure> trouble_;
};

}  // namespace sieve_delivery
