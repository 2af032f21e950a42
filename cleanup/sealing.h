// cleanup/sealing.h - an ARC set for a stranger's message that this host sends on to somebody else.
//
//     Sealing sealing{house, site};
//     for what is written to the queue file: sealing.feed(octets);
//     Sealing::Outcome outcome = co_await sealing.finish(queue_id, prepend);   // prepend: what will stand above all that
//     if (!outcome.trouble.empty()) ... refuse for now ...; else prepend(outcome.fields)
//
// What the set says about the message is what smtpd found out when it arrived, and wrote on top of it. Nothing is asked of
// the DNS here: whether an earlier chain is unbroken is part of that (arc=).
//
// Standards   RFC 8617, 4.1 and 5.1
// Failure     trouble: no signer, or a key that cannot be used; the message waits. A message that cannot be sealed at all (a
//             broken chain, a chain that nobody here has validated, no From) goes on as it is, and the log says why.
// Trust       find_arrival_results() tells our own field from one that came with the message; see there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cleanup/signing.h"
#include "lib/authres/authres.h"
#include "lib/dkim/arc_seal.h"

namespace cleanup {

// Octets that a set may take in front of the content; with those of DKIM and of smtpd it is below the 64 KiB of a queue
// file.
inline constexpr std::uint32_t kSealRoom = 16384;

struct SealSite {
    std::string authserv_id;
    std::string myhostname;
};

// Our own Authentication-Results field: it stands directly above the Received field with which the message came into this
// house (Received-SPF and X-Quarantine may be in between), because smtpd put it there. Fields further down came with the
// message; fields that a user's script added stand higher, above the Received field of the mailbox. None: nobody here asked.
std::optional<std::vector<authres::Result>> find_arrival_results(const dkim::HeaderFields& fields, const SealSite& site);

class Sealing {
  public:
    struct Outcome {
        std::string fields;   // with their CR LF; empty: not sealed
        std::string trouble;  // for the log; the message cannot be taken now
    };

    Sealing(SigningHouse& house, SealSite site);
    void feed(std::string_view octets) { maker_.feed(octets); }
    event::Task<Outcome> finish(std::string queue_id, std::string prepend);

  private:
    struct Basis {
        dkim::ArcVerdict chain;
        std::vector<authres::Result> results;
    };
    std::expected<Basis, std::string> find_basis(const std::string& prepend) const;
    std::expected<std::optional<std::string>, std::string> begin(const Basis& basis, dkim::KeyType type);
    event::Task<std::expected<std::string, std::string>> ask(std::string rsa_hash, std::string ed25519_hash);
    event::Task<Outcome> seal(Basis basis, std::string queue_id);

    SigningHouse& house_;
    SealSite site_;
    dkim::SealKey key_;
    dkim::ArcSealMaker maker_;
    std::string algorithm_;  // of the last signature
};

}  // namespace cleanup
