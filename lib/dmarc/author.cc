#include "lib/dmarc/author.h"

#include <algorithm>

#include "lib/dkim/signature.h"
#include "lib/message/address_list.h"

namespace dmarc {

Authors find_authors(const std::vector<std::string_view>& bodies) {
    Authors authors;
    for (std::string_view body : bodies) {
        authors.any_field = true;
        const message::AddressList list = message::read_addresses(body);
        if (authors.ambiguity.empty())
            authors.ambiguity = list.ambiguity;
        bool any = false;
        for (const message::Address& address : list.addresses) {
            if (address.kind != message::Address::Kind::mailbox)
                continue;
            any = true;
            std::string_view name = address.host;
            if (name.ends_with('.'))
                name.remove_suffix(1);
            const auto domain = dkim::to_a_labels(name);
            if (!domain) {
                authors.unusable = true;
                continue;
            }
            if (std::find(authors.domains.begin(), authors.domains.end(), *domain) == authors.domains.end())
                authors.domains.push_back(*domain);
        }
        authors.unusable = authors.unusable || !any;
    }
    return authors;
}

}  // namespace dmarc
