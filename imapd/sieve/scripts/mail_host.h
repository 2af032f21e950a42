// imapd/sieve/scripts/mail_host.h - what a user's script may ask: the envelope, the user's mailboxes, what is remembered.
//
// As it is here for a message at delivery; imapd/sieve/events has one of its own for a message that is in a mailbox.
//
// Standards   RFC 5183 (environment), RFC 5490 (mailboxes), RFC 7352 (duplicates), RFC 8579 (special use)
// Failure     HostFailure where mailboxes or memory cannot be read.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imapd/sieve/scripts/compiled.h"
#include "imapd/sieve/scripts/memory.h"
#include "lib/sieve/host.h"
#include "lib/store/account.h"

namespace scripts {

struct HostFacts {
    sieve::Envelope envelope;
    std::string user;
    std::string hostname;
    std::string version;
    std::vector<std::pair<std::string, std::string>> special_uses;  // mailbox and attribute, as configured
};

class MailHost : public sieve::Host {
  public:
    // Null memory: it cannot be had.
    MailHost(HostFacts facts, store::Account& account, const Memory* memory);

    const sieve::Envelope& envelope() const override { return facts_.envelope; }
    std::optional<std::string> environment(std::string_view item) const override;
    bool mailbox_exists(std::string_view mailbox) override;
    bool mailbox_id_exists(std::string_view) override { return false; }  // the store gives mailboxes no ids
    bool special_use_exists(std::optional<std::string_view> mailbox, std::span<const std::string> uses) override;
    std::optional<std::string> metadata(std::optional<std::string_view>, std::string_view) override { return std::nullopt; }
    bool is_external_list(std::string_view) override { return false; }
    bool in_external_list(std::string_view, std::string_view) override { return false; }
    bool seen_recently(std::string_view id) override;
    std::int64_t now() const override;
    int zone_minutes() const override;
    std::vector<std::string> message_flags() const override { return {}; }

    // The mailbox with that special use that is there; nothing if there is none.
    std::optional<std::string> mailbox_with(std::string_view use);

  protected:
    HostFacts facts_;

  private:
    const std::vector<std::string>& mailboxes();

    store::Account& account_;
    const Memory* memory_;
    std::optional<std::vector<std::string>> mailboxes_;
};

// Where the user's memory is: in the home, or with the mail of a user who has none.
std::string memory_path(const account::Owner& owner, const std::string& mail);

// Keys in it.
std::string duplicate_key(std::string_view id);
std::string vacation_key(std::string_view key);
std::string redirect_key(std::string_view message_id, std::string_view address);

}  // namespace scripts
