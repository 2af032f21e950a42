// MAIL and RCPT (RFC 5321, 4.1.1.2 and 4.1.1.3).
#include "lib/address/path.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "lib/text/xtext.h"
#include "lib/time/clock.h"
#include "smtpd/session.h"

namespace smtpd {

using smtp::Reply;

namespace {
constexpr Stage kStagesOfRcpt[] = {Stage::client, Stage::helo, Stage::sender, Stage::relay, Stage::recipient};
}  // namespace

void Session::end_transaction() {
    if (transaction_ && transaction_->cleanup)
        services_.cleanup.give_back(std::move(*transaction_->cleanup));
    transaction_.reset();
    if (state_ == kSender || state_ == kRecipients)
        state_ = helo_.empty() ? kGreeted : kHello;
}

std::optional<Reply> Session::take_mail_parameters(std::string_view text, Transaction& transaction) {
    auto parameters = smtp::parse_parameters(text);
    if (!parameters)
        return Reply(501, "5.5.4", "Error: " + parameters.error());
    if (!parameters->empty() && !extended_)
        return Reply(555, "5.5.4", "Unsupported option: " + std::string(parameters->front().keyword));
    for (const smtp::Parameter& parameter : *parameters) {
        std::string keyword = text::upper(parameter.keyword);
        std::string value(parameter.value.value_or(""));
        if (keyword == "SIZE") {
            auto size = text::parse_number(value);
            if (!size)
                return Reply(501, "5.5.4", "Bad message size syntax");
            std::int64_t limit = params_.message_size_limit();
            if (limit > 0 && *size > static_cast<std::uint64_t>(limit))
                return Reply(552, "5.3.4", "Message size exceeds fixed limit");
        } else if (keyword == "BODY") {
            bool eight_bit = text::equal_ignoring_case(value, "8BITMIME");
            if (!eight_bit && !text::equal_ignoring_case(value, "7BIT"))
                return Reply(501, "5.5.4", "Unsupported body type: " + value);
            if (eight_bit)
                transaction.mail.flags |= envelope::kEightBit;
        } else if (keyword == "AUTH" && params_.sasl_auth_enable()) {
            // RFC 4954, 5. Only what an authenticated client says is passed on.
            auto decoded = text::decode_xtext(value);
            if (!decoded || !parameter.value)
                return Reply(501, "5.5.4", "Bad AUTH syntax");
            if (!login_.empty() && *decoded != "<>")
                transaction.mail.client.sasl_sender = *decoded;
        } else if (parameter.value && (keyword == "RET" || keyword == "ENVID")) {
            if (std::optional<Reply> wrong = take_dsn_of_mail(parameter, transaction.mail))
                return wrong;
        } else {
            return Reply(555, "5.5.4", "Unsupported option: " + std::string(parameter.keyword));
        }
    }
    return std::nullopt;
}

// RFC 3461, 4.3 and 4.4. Each at most once.
std::optional<Reply> Session::take_dsn_of_mail(const smtp::Parameter& parameter, envelope::Mail& mail) const {
    if (discards("DSN"))
        return Reply(501, "5.7.1", "DSN support is disabled");
    const std::string_view value = *parameter.value;
    if (text::equal_ignoring_case(parameter.keyword, "RET")) {
        const auto ret = envelope::parse_ret(value);
        if (!ret || mail.ret != envelope::Ret::unsaid)
            return Reply(501, "5.5.4", "Bad RET parameter syntax");
        mail.ret = *ret;
        return std::nullopt;
    }
    if (!envelope::is_envid(value) || !mail.envid.empty())
        return Reply(501, "5.5.4", "Bad ENVID parameter syntax");
    mail.envid = value;
    return std::nullopt;
}

// RFC 3461, 4.1 and 4.2.
std::optional<Reply> Session::take_dsn_of_rcpt(const smtp::Parameter& parameter, envelope::Recipient& recipient) const {
    if (discards("DSN"))
        return Reply(501, "5.7.1", "DSN support is disabled");
    const std::string_view value = *parameter.value;
    if (text::equal_ignoring_case(parameter.keyword, "NOTIFY")) {
        const auto notify = envelope::parse_notify(value);
        if (!notify || recipient.notify != 0)
            return Reply(501, "5.5.4", "Bad NOTIFY parameter syntax");
        recipient.notify = *notify;
        return std::nullopt;
    }
    if (!envelope::is_orcpt(value) || !recipient.orcpt.empty())
        return Reply(501, "5.5.4", "Bad ORCPT parameter syntax");
    recipient.orcpt = value;
    return std::nullopt;
}

std::optional<Reply> Session::take_rcpt_parameters(std::string_view text, envelope::Recipient& recipient) {
    const auto parameters = smtp::parse_parameters(text);
    if (!parameters)
        return Reply(501, "5.5.4", "Error: " + parameters.error());
    for (const smtp::Parameter& parameter : *parameters) {
        const std::string keyword = text::upper(parameter.keyword);
        if (!extended_ || !parameter.value || (keyword != "NOTIFY" && keyword != "ORCPT"))
            return Reply(555, "5.5.4", "Unsupported option: " + std::string(parameter.keyword));
        if (std::optional<Reply> wrong = take_dsn_of_rcpt(parameter, recipient))
            return wrong;
    }
    return std::nullopt;
}

event::Task<Reply> Session::mail(std::string_view argument) {
    if (helo_.empty() && params_.helo_required())
        co_return Reply(503, "5.5.1", "Error: send HELO/EHLO first");
    bool strict = params_.strict_rfc821_envelopes();
    auto path_text = smtp::path_argument(argument, "FROM", strict);
    if (!path_text)
        co_return Reply(501, "5.5.4", "Syntax: MAIL FROM:<address>");
    address::PathOptions options;
    options.strict = strict;
    auto path = address::parse_path(*path_text, options);
    if (!path)
        co_return Reply(501, "5.1.7", "Bad sender address syntax");
    Transaction transaction;
    transaction.mail.arrival_us = wall_clock::now_us();
    transaction.sender_text = path->mailbox.quoted();
    transaction.sender = services_.resolver.rewrite(path->mailbox);
    transaction.mail.sender = transaction.sender.text();
    if (std::optional<Reply> wrong = take_mail_parameters(path->parameters, transaction))
        co_return *wrong;
    std::optional<Reply> later = co_await learn_who_sends(transaction);
    if (!later && !transaction.ours)
        later = co_await check_sender(transaction);
    if (later)
        co_return *later;
    transaction_ = std::move(transaction);
    State before = state_;
    state_ = kSender;
    std::optional<Reply> refused = co_await evaluate_early(Stage::sender, "MAIL");
    if (!refused && !params_.delay_reject())
        refused = refusal_by_spf(facts(), "MAIL");
    if (refused) {
        transaction_.reset();
        state_ = before;
        co_return *refused;
    }
    co_return Reply(250, "2.1.0", "Ok");
}

// "ID: client=name[address], sasl_method=PLAIN, sasl_username=alice"
void Session::log_client() {
    std::string line = fmt::format("{}: client={}[{}]", transaction_->cleanup->memo.queue_id, client_name_, client_address_);
    if (!login_.empty())
        line += fmt::format(", sasl_method={}, sasl_username={}", login_method_, login_);
    const std::string& auth_sender = transaction_->mail.client.sasl_sender;
    if (!auth_sender.empty())
        line += fmt::format(", sasl_sender={}", auth_sender);
    logging::info("{}", line);
}

event::Task<Reply> Session::rcpt(std::string_view argument) {
    bool strict = params_.strict_rfc821_envelopes();
    auto path_text = smtp::path_argument(argument, "TO", strict);
    if (!path_text)
        co_return Reply(501, "5.5.4", "Syntax: RCPT TO:<address>");
    address::PathOptions options;
    options.strict = strict;
    auto path = address::parse_path(*path_text, options);
    if (!path || path->mailbox.empty())
        co_return Reply(501, "5.1.3", "Bad recipient address syntax");
    envelope::Recipient recipient;
    if (std::optional<Reply> wrong = take_rcpt_parameters(path->parameters, recipient))
        co_return *wrong;
    if (transaction_->recipients.size() >= static_cast<std::size_t>(params_.recipient_limit())) {
        Reply too_many(452, "4.5.3", "Error: too many recipients");
        if (++overshoot_ <= params_.recipient_overshoot_limit())
            --errors_;  // a client that keeps to the protocol will send the rest later
        co_return too_many;
    }
    Facts known = facts();
    known.has_recipient = true;
    known.recipient_text = path->mailbox.quoted();
    known.recipient = services_.resolver.rewrite(path->mailbox);
    std::optional<Reply> refused;
    for (Stage stage : kStagesOfRcpt) {
        bool early = stage != Stage::relay && stage != Stage::recipient;
        if (refused || (early && !params_.delay_reject()))
            continue;
        refused = co_await evaluate(stage, known);
    }
    if (!refused)
        refused = refusal_by_spf(known, "RCPT");
    if (refused)
        co_return *refused;
    Verdict listed;
    const Inquiry who = inquiry();
    if (params_.reject_unlisted_sender())
        listed = co_await services_.restrictions.check_listed(who, Stage::sender, known, services_);
    if (listed.kind == Verdict::Kind::dunno && params_.reject_unlisted_recipient())
        listed = co_await services_.restrictions.check_listed(who, Stage::recipient, known, services_);
    if (listed.kind == Verdict::Kind::reject) {
        log_reject("RCPT", listed.reply, known);
        co_return listed.reply;
    }
    if (!transaction_->cleanup) {
        const bool reached = co_await take_cleanup();
        if (!reached)
            co_return Reply(451, "4.3.0", "Error: queue file write error");
    }
    recipient.address = known.recipient.text();
    if (path->mailbox.text() != recipient.address)
        recipient.original = path->mailbox.text();
    transaction_->recipients.push_back(std::move(recipient));
    state_ = kRecipients;
    co_return Reply(250, "2.1.5", "Ok");
}

}  // namespace smtpd
