#include "lib/queue/claim.h"

#include "lib/queue/files.h"
#include "lib/queue/queue_file.h"

namespace queue {

Claim::Claim(int root, QueueName queue, std::string id, event::Fd file, ipc::records::ContentPlace place, std::uint64_t end)
    : root_{root}, queue_{queue}, id_{std::move(id)}, file_{std::move(file)}, place_{place}, end_{end} {}

Handover Claim::hand_over(std::string envelope) && {
    Handover handover;
    handover.record.queue_id = std::move(id_);
    handover.record.content = place_;
    handover.record.status_offset = end_;
    handover.record.envelope = std::move(envelope);
    handover.file = std::move(file_);
    return handover;
}

std::expected<std::optional<FileContent>, Failure> Claim::content() const {
    auto file = files::open(root_, queue_, id_, false);
    if (!file)
        return std::unexpected(file.error());
    if (!*file)
        return std::optional<FileContent>{};
    return std::optional<FileContent>{std::in_place, std::move(**file), place_};
}

std::expected<void, Failure> Claim::record(std::string_view results) {
    const auto done = files::append_statuses(file_.get(), end_, results);
    if (done)
        end_ += results.size();
    return done;
}

// A message that a tool has moved or removed is left to the tool.
std::expected<void, Failure> Claim::move_to(QueueName queue) {
    if (queue_ == queue)
        return {};
    const auto moved = files::move(root_, id_, queue_, queue);
    if (!moved)
        return std::unexpected(moved.error());
    queue_ = queue;
    return {};
}

std::expected<void, Failure> Claim::defer(std::int64_t until) {
    const auto timed = files::set_due(root_, queue_, id_, until);
    if (!timed)
        return std::unexpected(timed.error());
    return move_to(QueueName::deferred);
}

std::expected<void, Failure> Claim::hold() { return move_to(QueueName::hold); }

std::expected<void, Failure> Claim::remove() {
    auto removed = files::remove(root_, queue_, id_);
    if (removed && !*removed) {
        if (const auto elsewhere = files::find(root_, id_))
            removed = files::remove(root_, *elsewhere, id_);
    }
    if (!removed)
        return std::unexpected(removed.error());
    // The last descriptor of a removed file: that is when the file system frees it.
    file_.reset();
    return {};
}

}  // namespace queue
