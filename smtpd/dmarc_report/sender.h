// smtpd/dmarc_report/sender.h - the reports of the days that are over.
//
// A report is forgotten when the queue has taken it for all its addresses, or when nobody may have it. What fails for now
// stays for the next wakeup.
//
// Standards   RFC 7489, 7.1 and 7.2
// Trust       whom to write to stands in other people's DNS: see lib/dmarc/consent.h; limits are parameters.
#pragma once

#include <cstdint>
#include <string>

#include "lib/dmarc/consent.h"
#include "lib/dmarc/report.h"
#include "lib/dmarc/report_store.h"
#include "lib/dns/resolver.h"
#include "lib/event/task.h"
#include "lib/event/thread_pool.h"
#include "lib/queue/cleanup_client.h"
#include "smtpd/dmarc_report/params.h"

namespace dmarc_report {

class Sender {
  public:
    struct House {
        event::Loop& loop;
        const Params& params;
        bool send;  // dmarc_report_send; if not, what is over is forgotten
        dmarc::ReportStore& store;
        dns::Resolver& resolver;
        const dmarc::PublicSuffixes& suffixes;
        event::ThreadPool& pool;
    };
    explicit Sender(House house) : house_(house), cleanup_(house.loop) {}

    // Everything of the days before the one of `now`.
    event::Task<void> send_due(std::int64_t now);

  private:
    event::Task<bool> send_one(dmarc::ReportStore::Due due, std::int64_t now);
    event::Task<bool> submit(std::string address, std::string message);

    House house_;
    queue::CleanupClient cleanup_;
};

// The report of a stored day.
dmarc::Report make_report(const dmarc::StoredReport& stored, const dmarc::ReportStore::Due& due, const Params& params);

}  // namespace dmarc_report
