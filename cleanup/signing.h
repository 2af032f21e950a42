// cleanup/signing.h - DKIM signatures for the mail of this house.
//
//     Signing signing{house};
//     for what is written to the queue file: signing.feed(octets);
//     Signing::Outcome outcome = co_await signing.finish(asker, queue_id);
//     if (!outcome.trouble.empty()) ... refuse for now ...; else prepend(outcome.fields)
//
// The keys are in another process (cleanup/signer/), which gets hashes and returns signatures.
//
// Standards   RFC 6376, 5
// Failure     trouble: a table that does not answer, a broken entry, no signer, a key that cannot be used; unless the entry
//             says unsigned_on_failure, for the last two.
// Lifetime    the house lives as long as the process, a Signing as long as its message.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dict/table_list.h"
#include "lib/dkim/sign_params.h"
#include "lib/dkim/sign_table.h"
#include "lib/dkim/signer.h"
#include "lib/event/loop.h"
#include "lib/event/task.h"
#include "lib/ipc/records/signer.h"
#include "lib/ipc/service_pool.h"

namespace cleanup {

// Octets that signatures may take in front of the content.
inline constexpr std::uint32_t kSignatureRoom = 20480;

class SigningHouse {
  public:
    SigningHouse(event::Loop& loop, const dkim::SignParams& params, std::string socket = "private/signer");

    bool signs() const { return !params_.sign_table().empty(); }
    bool seals() const { return !params_.seal_key().empty(); }
    // The error, where arc_seal_key cannot be understood, names it.
    const std::expected<dkim::SealKey, std::string>& seal_key() const { return seal_key_; }
    const dkim::SignParams& params() const { return params_; }

    struct Plan {
        dkim::SignTableEntry entry;
        std::string domain;  // d=
    };
    // For the From of a message; no value where nothing is to be signed.
    using Planned = std::expected<std::optional<Plan>, std::string>;
    event::Task<Planned> find_plan(const question::Asker& asker, std::string local, std::string domain);
    // The error is a reason for the log.
    event::Task<std::expected<ipc::records::SignReply, std::string>> ask(ipc::records::SignRequest request);

  private:
    void renew();

    const dkim::SignParams& params_;
    std::shared_ptr<const dict::TableList> tables_;  // shared with those who still wait in them
    std::expected<dkim::SealKey, std::string> seal_key_;
    event::Clock::time_point looked_{};
    ipc::ServicePool<> signers_;
};

class Signing {
  public:
    struct Outcome {
        std::string fields;   // with their CR LF; empty: not signed
        std::string trouble;  // for the log; the message cannot be taken now
    };

    explicit Signing(SigningHouse& house);
    void feed(std::string_view octets) { signer_.feed(octets); }
    event::Task<Outcome> finish(const question::Asker& asker, std::string queue_id);

  private:
    event::Task<SigningHouse::Planned> find_plan(const question::Asker& asker) const;
    static std::vector<dkim::SigningKey> both_kinds(const SigningHouse::Plan& plan);

    SigningHouse& house_;
    dkim::Signer signer_;
};

}  // namespace cleanup
