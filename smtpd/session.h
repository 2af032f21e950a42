// smtpd/session.h - one SMTP conversation, from greeting to QUIT (RFC 5321, section 3).
//
// A command returns its Reply; the loop sends and counts it. A broken or silent connection is a StreamError that
// no command handles: it unwinds to serve_client(), which logs and ends the session there.
//
// Standards   RFC 5321; RFC 1652, 1870, 2034, 2920, 3207, 3461, 4954
// Trust       every octet comes from a stranger.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/stream.h"
#include "lib/ipc/cleanup_pool.h"
#include "lib/smtp/data.h"
#include "lib/smtp/dialogue.h"
#include "lib/worker/program.h"
#include "smtpd/command_table.h"
#include "smtpd/services.h"

namespace smtpd {

// What belongs to one message, and goes with it.
struct Transaction {
    address::Mailbox sender;
    std::string sender_text;
    envelope::Mail mail;
    std::uint32_t handling = 0;  // lib/ipc/records/cleanup.h
    std::vector<envelope::Recipient> recipients;
    std::vector<Verdict> notes;
    bool discard = false;
    std::optional<ipc::CleanupPool::Lease> cleanup;
    bool ours = false;                // see Session::learn_who_sends()
    bool completes_headers = false;   // local_header_rewrite_clients
    authentication::Checked checked;  // of a stranger's message
};

class Session final : public smtp::Dialogue {
  public:
    Session(event::Stream stream, worker::Client& seat, Services& services);

    event::Task<void> converse();
    void log_disconnect();
    // The line about a connection that ended otherwise than by QUIT.
    void log_broken(const event::StreamError& error);
    // Ends what is open; the reply, if any, goes out as far as the client takes it now.
    void say_goodbye(const std::optional<smtp::Reply>& reply);

    // Commands; command_table.cc says when.
    event::Task<smtp::Reply> helo(std::string_view argument);
    event::Task<smtp::Reply> ehlo(std::string_view argument);
    event::Task<smtp::Reply> starttls(std::string_view argument);
    event::Task<smtp::Reply> auth(std::string_view argument);
    event::Task<smtp::Reply> mail(std::string_view argument);
    event::Task<smtp::Reply> rcpt(std::string_view argument);
    event::Task<smtp::Reply> data(std::string_view argument);
    event::Task<smtp::Reply> rset(std::string_view argument);
    event::Task<smtp::Reply> noop(std::string_view argument);
    event::Task<smtp::Reply> vrfy(std::string_view argument);
    event::Task<smtp::Reply> help(std::string_view argument);
    event::Task<smtp::Reply> quit(std::string_view argument);

    // The lines of EHLO's reply that commands bring.
    std::vector<std::string> starttls_offers() const;
    std::vector<std::string> auth_offers() const;

  private:
    struct Reception;
    event::Task<void> begin();
    event::Task<void> start_tls();
    event::Task<smtp::Reply> execute(smtp::Command command) override;
    std::string too_many_errors() override;
    void refused_protocol(std::string_view line) override;
    void client_left() override;
    event::Task<smtp::Reply> hello_reply(std::string_view argument, bool extended);

    // Restrictions.
    Facts facts() const;
    event::Task<Verdict> go_through(Stage stage, const Facts& facts, const char* command);
    event::Task<std::optional<smtp::Reply>> evaluate(Stage stage, const Facts& facts);
    event::Task<std::optional<smtp::Reply>> evaluate_early(Stage stage, const char* command);
    void log_reject(const char* command, const smtp::Reply& reply, const Facts& facts);
    void take_notes(const std::vector<Verdict>& notes, const char* command, const Facts& facts);
    // Whether the client is logged in or in mynetworks, so that its mail leaves in the name of this house, and whether its
    // headers are completed. A reply only where a table could not answer.
    event::Task<std::optional<smtp::Reply>> learn_who_sends(Transaction& transaction);
    Inquiry inquiry() { return {asker_, dns_ ? &*dns_ : nullptr}; }

    // MAIL and RCPT.
    std::optional<smtp::Reply> take_mail_parameters(std::string_view text, Transaction& transaction);
    std::optional<smtp::Reply> take_rcpt_parameters(std::string_view text, envelope::Recipient& recipient);
    std::optional<smtp::Reply> take_dsn_of_mail(const smtp::Parameter& parameter, envelope::Mail& mail) const;
    std::optional<smtp::Reply> take_dsn_of_rcpt(const smtp::Parameter& parameter, envelope::Recipient& recipient) const;
    // Whether smtpd_discard_ehlo_keywords has the extension.
    bool discards(std::string_view keyword) const;
    void log_client();

    // Authentication of the message.
    event::Task<std::optional<smtp::Reply>> check_sender(Transaction& transaction);
    std::optional<smtp::Reply> refusal_by_spf(const Facts& facts, const char* command);
    event::Task<std::optional<smtp::Reply>> finish_inspection(Reception& reception);

    // DATA.
    event::Task<void> receive(Reception& reception);
    event::Task<void> forward(Reception& reception);
    event::Task<bool> take_cleanup();
    event::Task<void> renew_cleanup(Reception& reception);
    void open_message(const Reception& reception);
    event::Task<smtp::Reply> close_message(Reception& reception);
    event::Task<std::expected<ipc::records::CleanupReply, std::string>> end_message(const ipc::records::CleanupEnd& end);
    smtp::Reply judge(const Reception& reception);
    void end_transaction();

    // AUTH.
    bool may_authenticate() const;
    event::Task<void> learn_mechanisms();
    sasl::ClientInfo about_client() const;
    event::Task<smtp::Reply> run_mechanism(std::string mechanism, std::optional<std::string> initial);

    Services& services_;
    const Params& params_;
    question::Asker asker_;         // this client: its questions, its share
    std::optional<dns::Seat> dns_;  // where the DNS is asked

    std::string client_name_ = "unknown", client_address_, client_port_;
    State state_ = kGreeted;
    bool extended_ = false;  // EHLO rather than HELO
    std::string helo_;
    std::string login_, login_method_;
    std::vector<std::string> mechanisms_;  // offered at the last EHLO
    std::optional<Transaction> transaction_;
    std::optional<std::pair<std::string, spf::Verdict>> helo_verdict_;  // for this HELO name
    bool pipelined_too_early_ = false;
    int junk_ = 0, overshoot_ = 0;
    std::string last_verb_ = "CONNECT";
    std::map<std::string, std::pair<int, int>> counts_;  // per command: accepted, all
};

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services);

}  // namespace smtpd
