#include "local/deliver_to_path.h"

#include "lib/address/path_text.h"
#include "lib/store/drop.h"

namespace local {

using delivery::DeliverStatus;

namespace {

store::Result<void> write_message(
    store::Delivery& drop, const delivery::Job& job, const delivery::DeliverRecipient& recipient) {
    if (auto written = drop.write(delivery_head(job.request, recipient)); !written)
        return written;
    delivery::ContentReader reader(job);
    for (std::string_view block = reader.next(); !block.empty(); block = reader.next()) {
        if (auto written = drop.write(block); !written)
            return written;
    }
    auto committed = drop.commit({});
    if (!committed)
        return std::unexpected(committed.error());
    return {};
}

}  // namespace

std::string delivery_head(const delivery::DeliverRequest& request, const delivery::DeliverRecipient& recipient) {
    return address::return_path_field(request.mail.sender) + address::original_to_field(recipient.recipient.given()) +
           address::delivered_to_field(recipient.recipient.address);
}

delivery::RecipientResult deliver_to_path(const delivery::Job& job, const delivery::DeliverRecipient& recipient,
    const std::string& path, const std::string& agent) {
    auto deferred = [&agent](const store::Failure& failure) {
        bool full = failure.kind == store::Failure::Kind::no_space;
        return delivery::make_result(DeliverStatus::deferred, full ? "4.2.2" : "4.2.0", failure.text, agent);
    };
    auto drop = store::find_drop(path);
    if (!drop)
        return deferred(drop.error());
    auto begun = (*drop)->begin(path);
    if (!begun)
        return deferred(begun.error());
    if (auto written = write_message(**begun, job, recipient); !written)
        return deferred(written.error());
    return delivery::make_result(DeliverStatus::delivered, "2.0.0", "delivered to " + std::string((*drop)->name), agent);
}

}  // namespace local
