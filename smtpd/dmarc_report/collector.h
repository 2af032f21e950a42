// smtpd/dmarc_report/collector.h - results as they come in, written down in batches.
//
// What has come in is on the disk a second later: results are figures, not mail, and one sync for many of them is enough.
//
// Failure     a batch that cannot be written is dropped, with a warning.
#pragma once

#include <vector>

#include "lib/dmarc/report_store.h"
#include "lib/event/loop.h"
#include "lib/event/stream.h"
#include "lib/event/task.h"
#include "lib/event/thread_pool.h"
#include "lib/worker/program.h"

namespace dmarc_report {

class Collector {
  public:
    Collector(worker::Jailed& jail, dmarc::ReportStore& store, event::ThreadPool& pool)
        : jail_(jail), store_(store), pool_(pool) {}

    event::Task<void> serve(event::Stream stream, worker::Client& seat);

  private:
    void add(ipc::records::DmarcObservation observation);
    event::Task<void> write_later();

    worker::Jailed& jail_;
    dmarc::ReportStore& store_;
    event::ThreadPool& pool_;
    std::vector<ipc::records::DmarcObservation> waiting_;
    bool writing_ = false;
    std::size_t dropped_ = 0;
};

}  // namespace dmarc_report
