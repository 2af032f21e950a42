// lib/ipc/records/master.h - what master tells about its services.
//
// Sender      master, over private/master, as soon as somebody connects; then it closes.
// Receiver    `malleposte status`.
// Trust       the socket is below private/, which only root and the mail owner may enter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/ipc/record.h"

namespace ipc::records {

struct ServiceStatus {
    std::string name;     // as in master.cf
    std::string type;     // "inet"
    std::string command;  // "smtpd"
    std::vector<std::int64_t> pids;
    std::int32_t limit = 0;    // of processes; 0: none
    bool throttled = false;    // its process died at once; waiting before the next try
    std::int64_t started = 0;  // processes started so far

    static constexpr std::string_view kRecord = "service_status/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("name", &ServiceStatus::name), ipc::field("type", &ServiceStatus::type),
            ipc::field("command", &ServiceStatus::command), ipc::field("pids", &ServiceStatus::pids),
            ipc::field("limit", &ServiceStatus::limit), ipc::field("throttled", &ServiceStatus::throttled),
            ipc::field("started", &ServiceStatus::started)};
    }
};

struct MasterStatus {
    std::int64_t pid = 0;
    std::int64_t since = 0;  // seconds since 1970
    std::int64_t reloads = 0;
    std::vector<ServiceStatus> services;

    static constexpr std::string_view kRecord = "master_status/1";
    static constexpr auto fields() {
        return ipc::FieldList{ipc::field("pid", &MasterStatus::pid), ipc::field("since", &MasterStatus::since),
            ipc::field("reloads", &MasterStatus::reloads), ipc::field("services", &MasterStatus::services)};
    }
};

}  // namespace ipc::records
