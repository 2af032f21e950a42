// lib/dmarc/report_store.h - the results of DMARC, day by day and domain by domain, until they are reported.
//
// One LMDB environment in a folder. Equal rows are counted, not kept twice.
//
// Failure     a reason that names the folder. A failed add() leaves nothing of its batch.
// Lifetime    opened by the user who uses it.
// Trust       names and addresses in rows come from strangers: they are cut, and rows of one domain and day are limited.
// Threads     add() may run in another thread than the rest, one at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "lib/ipc/records/dmarc.h"

namespace dmarc {

inline constexpr std::size_t kMaxStoredRows = 50'000;  // of one domain and day

struct CountedRow {
    ipc::records::DmarcRow row;
    std::uint64_t count = 0;
};

struct StoredReport {
    ipc::records::DmarcPolicy policy;
    std::vector<CountedRow> rows;
};

class ReportStore {
  public:
    static std::expected<std::unique_ptr<ReportStore>, std::string> open(const std::string& folder);
    ~ReportStore();
    ReportStore(const ReportStore&) = delete;

    std::expected<void, std::string> add(const std::vector<ipc::records::DmarcObservation>& batch);

    struct Due {
        std::uint32_t day = 0;  // since 1970, UTC
        std::string domain;
    };
    // Everything of the days before this one.
    std::expected<std::vector<Due>, std::string> due_before(std::uint32_t day);
    std::expected<StoredReport, std::string> read(const Due& due);
    std::expected<void, std::string> remove(const Due& due);

  private:
    struct Handle;
    explicit ReportStore(std::unique_ptr<Handle> handle);
    std::unique_ptr<Handle> handle_;
};

}  // namespace dmarc
