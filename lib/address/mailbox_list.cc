#include "lib/address/mailbox_list.h"

#include "lib/message/address_list.h"

namespace address {

std::vector<Mailbox> parse_mailbox_list(std::string_view text) {
    std::vector<Mailbox> mailboxes;
    for (message::Address& one : message::parse_address_list(text)) {
        if (one.is_addr_spec)
            mailboxes.push_back({std::move(one.mailbox), std::move(one.host)});
    }
    return mailboxes;
}

}  // namespace address
