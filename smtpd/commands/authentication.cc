// Where the session asks whether a stranger's mail is genuine: SPF at MAIL, the rest when the message is here.
#include <ctime>

#include "lib/log/log.h"
#include "smtpd/reception.h"

namespace smtpd {

using authentication::Decision;
using smtp::Reply;

// A reply only where a table could not answer.
event::Task<std::optional<Reply>> Session::check_sender(Transaction& transaction) {
    const authentication::Policy& policy = services_.gate.policy();
    authentication::Checked& checked = transaction.checked;
    spf::Query& query = checked.findings.envelope;
    query.client = dict::parse_ip(client_address_).value_or(dict::IpAddress());
    query.helo = helo_;
    query.sender = transaction.sender.text();
    query.receiver = services_.gate.host();
    query.now = std::time(nullptr);
    authentication::Policy::Sender sender{client_address_, client_name_, query.sender, transaction.sender.domain};
    authentication::Policy::Found exemption = co_await policy.find_exemption(asker_, std::move(sender));
    if (!exemption) {
        logging::warning("{}", exemption.error().text);
        co_return Reply(451, "4.3.0", "Temporary lookup failure");
    }
    checked.exemption = std::move(*exemption);
    if (!dns_ || !policy.wants_spf())
        co_return std::nullopt;
    if (helo_verdict_ && helo_verdict_->first == helo_)
        checked.findings.helo = helo_verdict_->second;
    const std::size_t limited_before = dns_->limited();
    co_await authentication::check_spf(*dns_, policy.spf_limits(), checked.findings);
    helo_verdict_.reset();
    if (dns_->limited() > limited_before) {
        logging::warning("{}[{}]: SPF cannot be checked: too many questions to the DNS", client_name_, client_address_);
        co_return policy.try_later().reply;
    }
    // A verdict that was not to be had is asked for again with the next message.
    if (checked.findings.helo && checked.findings.helo->result != spf::Result::temperror)
        helo_verdict_.emplace(helo_, *checked.findings.helo);
    checked.spf = policy.decide_spf(checked.findings, checked.exemption);
    co_return std::nullopt;
}

std::optional<Reply> Session::refusal_by_spf(const Facts& known, const char* command) {
    const Decision& decision = transaction_->checked.spf;
    if (decision.action < Decision::Action::defer)
        return std::nullopt;
    log_reject(command, decision.reply, known);
    return decision.reply;
}

event::Task<std::optional<Reply>> Session::finish_inspection(Reception& reception) {
    Decision decision = co_await reception.inspection->finish(reception.chunk);
    if (std::string line = reception.inspection->log_line(); !line.empty())
        logging::info(
            "{}: authentication: {} from=<{}>", transaction_->cleanup->memo.queue_id, line, transaction_->sender_text);
    if (decision.action < Decision::Action::defer)
        co_return std::nullopt;
    log_reject("END-OF-MESSAGE", decision.reply, facts());
    co_return decision.reply;
}

}  // namespace smtpd
