// lib/address/recipients.h - whether an address of ours exists; what smtpd asks at RCPT (and MAIL, when configured).
//
// Standards   ADDRESS_CLASS_README; postconf(5): local_recipient_maps, virtual_mailbox_maps, relay_recipient_maps
// Failure     a table that cannot answer is Known::temporary, never unknown.
#pragma once

#include <string>

#include "lib/address/resolver.h"
#include "lib/address/virtual_alias.h"

namespace address {

enum class Known { known, unknown, temporary };

struct Existence {
    Known known = Known::known;
    std::string text;      // "User unknown in virtual mailbox table"; the reason of a temporary failure, for the log
    int reply_code = 550;  // for unknown: unknown_..._reject_code
};

class Recipients {
  public:
    Recipients(const config::CommonParams& params, const Resolver& resolver, const VirtualAliases& aliases);

    // route is what the resolver says about the address.
    event::Task<Existence> check(const question::Asker& asker, Route route) const;
    std::vector<std::string> problems() const;
    bool stale() const;

  private:
    event::Task<Existence> check_maps(const question::Asker& asker, const dict::TableList& maps, const Route& route,
        int code, std::string_view table) const;
    event::Task<Existence> check_class(const question::Asker& asker, const Route& route) const;
    Existence unknown(int code, std::string_view table) const;

    const Resolver& resolver_;
    const VirtualAliases& aliases_;
    dict::TableList local_maps_;
    dict::TableList mailbox_maps_;
    dict::TableList relay_maps_;
    int local_code_, alias_code_, mailbox_code_, relay_code_;
    bool show_table_name_;
    std::string double_bounce_sender_;
};

}  // namespace address
