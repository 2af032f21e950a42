// cleanup/intake.h - one message on its way into the queue.
//
// A small message stays in memory until it is whole and is then created, written and synced in one job of the
// thread pool; a large one goes to its file in parts. finish() answers 250 only after the sync.
//
// The order is the same for every message, and a later feature has its place in it:
//
//   decode and mend    before us, where the octets come in (smtp::DataDecoder); header and line ends here (MessageFilter)
//   verify             smtpd, on the mended octets; its fields come with CleanupEnd::prepend
//   filter and edit    MessageFilter: what is taken out, completed, added
//   sign               sign() and seal(), over what will be stored and nothing else
//   commit             commit(): one file, one sync, then 250
//
// Failure     every failure is a CleanupReply; nothing is left on the disk then, nor when an Intake is dropped.
// Trust       addresses and content are a stranger's; size, recipients and header are bounded here.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "cleanup/headers.h"
#include "cleanup/sealing.h"
#include "cleanup/service.h"
#include "cleanup/signing.h"
#include "lib/event/task.h"
#include "lib/ipc/records/cleanup.h"
#include "lib/queue/envelope.h"

namespace cleanup {

class Intake {
  public:
    Intake(Service& service, std::string queue_id, ipc::records::CleanupOpen open);

    void add_recipients(std::vector<envelope::Recipient> more);
    event::Task<void> add_content(std::string octets);
    event::Task<ipc::records::CleanupReply> finish(ipc::records::CleanupEnd end);

  private:
    ipc::records::CleanupReply reply(int code, std::string dsn, std::string reason) const;
    std::optional<ipc::records::CleanupReply> refusal() const;
    bool over_limit() const;
    event::Task<void> begin_content();
    void begin_signatures();
    bool may_be_sealed() const;
    event::Task<void> ask_whether_outside(std::string address);
    bool is_new(const envelope::Recipient& recipient);
    void note_expansion(envelope::Recipient& recipient, const std::vector<std::string>& targets);
    event::Task<void> resolve_recipients();
    event::Task<void> write_part();
    event::Task<std::optional<ipc::records::CleanupReply>> sign(std::string& prepend);
    event::Task<std::optional<ipc::records::CleanupReply>> seal(std::string& prepend);
    event::Task<std::optional<queue::Failure>> commit(std::string prepend);
    std::optional<queue::Failure> append_part(std::string_view part);
    std::optional<queue::Failure> put_in_front(std::string_view fields);
    std::optional<queue::Failure> commit_file(std::string_view envelope, std::string_view prepend);
    void hand_over(std::string envelope);
    void log_message_id() const;

    Service& service_;
    question::Asker asker_;  // whatever is asked about this message
    std::string queue_id_;
    ipc::records::CleanupOpen open_;
    std::optional<MessageFilter> filter_;
    std::optional<Signing> signing_;
    std::optional<Sealing> sealing_;
    std::string out_;  // content that is not in the file yet
    std::uint64_t content_size_ = 0;
    queue::Envelope envelope_;
    std::set<std::string> seen_;  // recipients, to find duplicates
    std::size_t resolved_ = 0;    // of open_.recipients
    std::optional<std::string> lookup_failure_;
    bool leaves_us_ = false;  // a recipient is outside of our domains; only known where it matters
    std::optional<queue::QueueWriter> writer_;
    std::optional<queue::Failure> trouble_;
    std::optional<queue::Claim> claim_;  // once it is committed
    bool began_in_hold_ = false;
};

}  // namespace cleanup
