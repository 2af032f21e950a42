// Records between programs: whatever a taken-over peer sends is refused, or is a record that encodes to the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/ipc/record.h"
#include "lib/ipc/records/bounce.h"
#include "lib/ipc/records/cleanup.h"
#include "lib/ipc/records/deliver.h"
#include "lib/ipc/records/imap_handover.h"
#include "lib/ipc/records/master.h"
#include "lib/ipc/records/qmgr.h"
#include "lib/ipc/records/showq.h"
#include "lib/ipc/records/sieve.h"
#include "lib/ipc/records/store.h"

namespace {

using namespace ipc::records;

// `content` with the record's name put in front, so that the fuzzer does not have to guess names.
template <class Record>
void try_record(std::string_view content) {
    std::string frame;
    fields::wire::put_text(frame, Record::kRecord);
    frame += content;
    auto record = ipc::decode<Record>(frame);
    if (!record)
        return;
    std::string again = ipc::encode(*record).substr(4);
    auto same = ipc::decode<Record>(again);
    if (!same || ipc::encode(*same).substr(4) != again)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    std::string_view content(reinterpret_cast<const char*>(octets), size);
    try_record<CleanupOpen>(content);
    try_record<CleanupRecipients>(content);
    try_record<CleanupContent>(content);
    try_record<CleanupEnd>(content);
    try_record<DeliverRequest>(content);
    try_record<DeliverResult>(content);
    try_record<QueueHandover>(content);
    try_record<QmgrCommand>(content);
    try_record<BounceRequest>(content);
    try_record<ShowqMessage>(content);
    try_record<ImapHandover>(content);
    try_record<SieveDeliver>(content);
    try_record<SieveSubmit>(content);
    try_record<StoreOpen>(content);
    try_record<StoreReply>(content);
    try_record<MasterStatus>(content);
    return 0;
}
