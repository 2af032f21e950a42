// imapd/lmtp/lmtpd/session.h - one LMTP conversation: mail comes to the mailbox daemon.
//
// Content streams on to lmtp-store, which has the rights to write; here nothing is stored. After the end of the
// data there is exactly one reply for each recipient that was accepted, in their order.
//
// Standards   RFC 2033, RFC 5321, RFC 2034, RFC 2920
// Trust       every octet comes from the client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/lmtp/lmtpd/params.h"
#include "lib/event/stream.h"
#include "lib/ipc/records/store.h"
#include "lib/ipc/service_pool.h"
#include "lib/smtp/dialogue.h"
#include "lib/worker/program.h"

namespace lmtpd {

using StorePool = ipc::ServicePool<>;

// What all sessions of a process share.
struct Services {
    const Params& params;
    StorePool& store;
};

ipc::ServiceSettings store_settings(const Params& params);

class Session final : public smtp::Dialogue {
  public:
    Session(event::Stream stream, worker::Client& seat, Services& services);
    event::Task<void> converse();
    // After the conversation, where it ended between two messages: lmtp-store's connection serves the next session.
    void give_back_store();
    // As far as the client takes it now.
    void say_goodbye(const event::StreamError& error);

  private:
    struct Reception;
    struct CommandSpec;
    event::Task<smtp::Reply> execute(smtp::Command command) override;
    std::string too_many_errors() override;
    void refused_protocol(std::string_view line) override;
    void client_left() override;
    event::Task<smtp::Reply> lhlo(std::string_view argument);
    event::Task<smtp::Reply> mail(std::string_view argument);
    event::Task<smtp::Reply> rcpt(std::string_view argument);
    event::Task<smtp::Reply> data(std::string_view argument);
    event::Task<smtp::Reply> rset(std::string_view argument);
    event::Task<smtp::Reply> noop(std::string_view argument);
    event::Task<smtp::Reply> vrfy(std::string_view argument);
    event::Task<smtp::Reply> quit(std::string_view argument);

    // Whether lmtp-store is there, over a connection that has not ended meanwhile.
    event::Task<bool> ensure_store();
    ipc::Channel& store() { return store_->channel; }
    event::Task<void> renew_store(Reception& reception);
    event::Task<std::expected<ipc::records::StoreReply, std::string>> end_message();
    event::Task<void> receive(Reception& reception);
    event::Task<void> forward(Reception& reception);
    event::Task<void> answer_recipients(Reception& reception);
    std::string trace_line() const;
    void end_transaction();

    Services& services_;
    const Params& params_;
    std::optional<StorePool::Lease> store_;
    std::string client_address_, helo_;
    bool has_sender_ = false;
    std::string sender_;
    std::vector<std::string> recipients_;
    std::string session_id_;
};

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services);

}  // namespace lmtpd
