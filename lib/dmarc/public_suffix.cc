#include "lib/dmarc/public_suffix.h"

#include <libpsl.h>

namespace dmarc {

PublicSuffixes::PublicSuffixes() : list_(psl_latest("/usr/share/publicsuffix/public_suffix_list.dafsa")) {}

PublicSuffixes::~PublicSuffixes() { psl_free(list_); }

std::optional<std::string> PublicSuffixes::registrable_domain(const std::string& domain) const {
    if (list_ == nullptr) {
        const std::size_t last = domain.rfind('.');
        if (last == std::string::npos || last == 0)
            return std::nullopt;
        const std::size_t before = domain.rfind('.', last - 1);
        return before == std::string::npos ? domain : domain.substr(before + 1);
    }
    const char* found = psl_registrable_domain(list_, domain.c_str());
    if (found == nullptr)
        return std::nullopt;
    return std::string(found);
}

std::string PublicSuffixes::organizational_domain(const std::string& domain) const {
    return registrable_domain(domain).value_or(domain);
}

}  // namespace dmarc
