// lib/dmarc/observation.h - a verdict as the daily report will have it, and the way to whoever writes that report.
//
//     link.tell(*dmarc::make_observation(verdict, envelope, options.method, now));
//
// Failure     tell() never waits and never fails: what cannot be handed on is dropped, and a warning says how much.
// Lifetime    a link lives as long as its process; the loop outlives it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/dkim/result.h"
#include "lib/dmarc/evaluate.h"
#include "lib/event/loop.h"
#include "lib/ipc/records/dmarc.h"
#include "lib/ipc/service_pool.h"

namespace dmarc {

struct ObservedEnvelope {
    std::string client;         // IP address
    std::string sender_domain;  // of MAIL FROM; empty for the null sender
    std::string spf_domain;     // that was checked
    bool spf_of_helo = false;
    std::string spf_result;  // "pass", "softfail" ...
    const std::vector<dkim::Result>* dkim = nullptr;
};

// No value where nobody wants a report: there is no policy, or it names no address.
std::optional<ipc::records::DmarcObservation> make_observation(
    const Verdict& verdict, const ObservedEnvelope& envelope, Method method, std::int64_t now);

class ReportLink {
  public:
    explicit ReportLink(event::Loop& loop, std::string path = "private/dmarc-report")
        : loop_(loop), pool_(loop, ipc::ServiceSettings(std::move(path)), 1) {}
    ~ReportLink();
    void tell(ipc::records::DmarcObservation observation);

  private:
    event::Task<void> send();

    event::Loop& loop_;
    ipc::ServicePool<> pool_;
    std::vector<ipc::records::DmarcObservation> waiting_;
    event::Context* sending_ = nullptr;
    bool is_sending_ = false;
    std::size_t dropped_ = 0;
};

}  // namespace dmarc
