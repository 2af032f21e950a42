#include "lib/dmarc/author.h"

#include <algorithm>

#include "lib/address/header_addresses.h"
#include "lib/dkim/signature.h"

namespace dmarc {

Authors find_authors(const std::vector<std::string_view>& bodies) {
    Authors authors;
    for (std::string_view body : bodies) {
        authors.any_field = true;
        const auto addresses = address::parse_header_addresses(body);
        authors.unusable = authors.unusable || addresses.empty();
        for (const address::HeaderAddress& address : addresses) {
            std::string_view name = address.mailbox.domain;
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
    }
    return authors;
}

}  // namespace dmarc
