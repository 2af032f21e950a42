// lib/dmarc/public_suffix.h - below which names strangers register their own: com, co.uk, github.io.
//
// Failure     without any list every name of one label is a public suffix, and none of more.
// Lifetime    opened once, before the jail; afterwards it needs no file.
// Trust       names come from strangers, in A-labels and lower case.
#pragma once

#include <memory>
#include <optional>
#include <string>

struct psl_ctx_st;

namespace dmarc {

class PublicSuffixes {
  public:
    // Debian's list, or the one that libpsl was built with, whichever is newer.
    PublicSuffixes();
    ~PublicSuffixes();
    PublicSuffixes(const PublicSuffixes&) = delete;

    // A public suffix and one label more; none for a public suffix itself.
    std::optional<std::string> registrable_domain(const std::string& domain) const;
    // RFC 7489, 3.2: the registrable domain, or the name itself where there is none.
    std::string organizational_domain(const std::string& domain) const;

  private:
    psl_ctx_st* list_;
};

}  // namespace dmarc
