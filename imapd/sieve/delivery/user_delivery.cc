#include "imapd/sieve/delivery/user_delivery.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "imapd/sieve/delivery/pending.h"
#include "lib/address/path.h"
#include "lib/address/path_text.h"
#include "lib/imap/mailbox_name.h"
#include "lib/log/log.h"
#include "lib/message/header.h"
#include "lib/sieve/notify.h"
#include "lib/text/mail_date.h"
#include "lib/text/text.h"

namespace sieve_delivery {

using ipc::records::SieveMail;
using ipc::records::SieveSubmit;
using ipc::records::SieveSubmitted;
using sieve::Action;

namespace {

constexpr std::int64_t kNoteEvery = 86400;
constexpr std::size_t kMostReasons = 64;

SieveDelivered make_answer(int code, std::string dsn, std::string text) {
    SieveDelivered answer;
    answer.code = code;
    answer.dsn = std::move(dsn);
    answer.text = std::move(text);
    return answer;
}

// A reason in an SMTP reply is one line of ASCII (RFC 5321, 4.2); RFC 5429, 2.1.1 lets us say less where it is not.
std::string reply_text(std::string_view reason) {
    std::string line;
    for (const char c : reason) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet == '\r' || octet == '\n' || octet == '\t' || octet == ' ') {
            if (!line.empty() && line.back() != ' ')
                line += ' ';
        } else if (octet > 0x20 && octet < 0x7f) {
            line += c;
        } else if (octet >= 0xc0) {
            line += '?';  // the first octet of a character
        }
    }
    if (line.size() > 400)
        line.resize(400);
    while (!line.empty() && line.back() == ' ')
        line.pop_back();
    return line.empty() ? "The recipient refuses this message" : line;
}

std::string message_id_of(std::string_view content) {
    message::HeaderReader reader(content);
    while (auto field = reader.next())
        if (message::equal_ignoring_case(field->name, "Message-ID"))
            return message::unfold(field->body);
    return "";
}

}  // namespace

std::string why_path(const account::Owner& owner, const std::string& mail) {
    return scripts::memory_path(owner, mail) + "-why";
}

UserDelivery::UserDelivery(const Params& params, ParentLink& link, account::Owner owner, std::string mail)
    : params_(params),
      link_(link),
      owner_(std::move(owner)),
      mail_(std::move(mail)),
      places_(account::places_of(params, owner_)),
      settings_(scripts::settings_of(params, owner_)),
      ready_(params, places_.value_or(account::Places()).directory, settings_) {
    if (!places_)
        logging::warning("{}: {}", owner_.name, places_.error());
    auto account = store::open_account({mail_, params.hierarchy_separator().front()});
    if (account)
        account_ = *account;
    else
        logging::error("{}: {}", owner_.name, account.error().text);
    auto open = [this](const std::string& path, scripts::Memory::Durable durable) {
        auto memory = scripts::Memory::open(path, durable);
        if (!memory)
            logging::warning("{}: {}", owner_.name, memory.error());
        return memory ? std::move(*memory) : nullptr;
    };
    memory_ = open(scripts::memory_path(owner_, mail_), scripts::Memory::Durable::yes);
    if (params.why_retention().count() > 0)
        why_ = open(why_path(owner_, mail_), scripts::Memory::Durable::no);
}

void UserDelivery::keep_reasons() {
    const std::int64_t until = std::time(nullptr) + params_.why_retention().count();
    if (auto kept = why_->remember_all(reasons_, until); !kept)
        logging::warning("{}: {}", owner_.name, kept.error());
    reasons_.clear();
}

UserDelivery::Programs UserDelivery::load_programs(std::string& trouble) {
    Programs programs;
    // False where there is no such script.
    auto add = [&](const std::string& path) {
        auto program = ready_.load(path);
        if (program)
            programs.push_back(std::move(*program));
        else if (program.error().kind == scripts::ScriptFailure::Kind::not_found)
            return false;
        else
            trouble = program.error().text;
        return true;
    };
    for (const std::string& path : scripts::script_paths(params_.before()))
        add(path);
    if (!add(places_->active) && !places_->default_script.empty())
        add(places_->default_script);
    for (const std::string& path : scripts::script_paths(params_.after()))
        add(path);
    return programs;
}

// One message on its way.
struct UserDelivery::Run {
    UserDelivery& user;
    const SieveDeliver& request;
    std::string_view content;
    sieve::Message message;
    scripts::MailHost host;
    Pending pending;
    std::int64_t now;
    std::string trouble;  // for the note to the user
    std::optional<SieveDelivered> refused;
    std::vector<std::pair<std::string, std::int64_t>> to_remember;
    std::vector<std::string> log;       // what was done, for the log and for `why`
    std::vector<std::string> notified;  // addresses that got a notification of this message
    int sent = 0;

    Run(UserDelivery& the_user, const SieveDeliver& the_request, std::string_view the_content, scripts::HostFacts facts)
        : user(the_user),
          request(the_request),
          content(the_content),
          message(the_content),
          host(std::move(facts), *the_user.account_, the_user.memory_.get()),
          pending(*the_user.account_),
          now(std::time(nullptr)) {}

    std::string seed() { return fmt::format("{}.{}", request.session, ++sent); }
    bool claim(const std::string& key, std::int64_t seconds);
    void store(const Action& action, std::string mailbox, std::string_view octets, const std::vector<std::string>& flags,
        bool create);
    std::string default_mailbox();
    void store_action(const Action& action);
    void copy_reply(const Action& action, const std::string& reply);
    bool send(SieveMail kind, const sieve::Outgoing& mail, const char* what);
    void redirect(const Action& action);
    void answer_vacation(const Action& action);
    void notify(const Action& action);
    void report(const Action& action);
    void refuse(const Action& action);
    void perform(const Action& action);
    void note_to_user();
    void keep_reasons(const sieve::Outcome& outcome);
    SieveDelivered finish(const sieve::Outcome& outcome);
};

// True if this message is the one to do it; false if it was done, or if nobody can tell.
bool UserDelivery::Run::claim(const std::string& key, std::int64_t seconds) {
    if (!user.memory_)
        return false;
    auto ours = user.memory_->claim(key, now, now + seconds);
    if (!ours)
        logging::warning("{}: {}", user.owner_.name, ours.error());
    return ours && *ours;
}

// The mailbox that is not there, or whose name cannot be one, is the INBOX.
void UserDelivery::Run::store(
    const Action& action, std::string mailbox, std::string_view octets, const std::vector<std::string>& flags, bool create) {
    std::string why = pending.add(mailbox, octets, flags, create);
    if (!why.empty()) {
        trouble = fmt::format("{}:{}: {}", action.cause.script, action.cause.line, why);
        pending.add("INBOX", octets, flags, false);
        mailbox = "INBOX";
    }
    log.push_back(fmt::format("stored in {}", mailbox));
}

// That of the address extension, where there is one.
std::string UserDelivery::Run::default_mailbox() {
    if (request.mailbox == "INBOX")
        return "INBOX";
    auto listed = user.account_->list();
    const bool there = listed && std::find(listed->begin(), listed->end(), request.mailbox) != listed->end();
    return there ? request.mailbox : "INBOX";
}

void UserDelivery::Run::store_action(const Action& action) {
    std::string mailbox = action.kind == Action::Kind::keep ? default_mailbox() : imap::encode_utf7(action.mailbox);
    if (!action.special_use.empty())
        mailbox = host.mailbox_with(action.special_use).value_or(mailbox);
    if (text::equal_ignoring_case(mailbox, "INBOX"))
        mailbox = "INBOX";
    if (action.header) {
        const std::string edited = action.content(message);
        store(action, mailbox, edited, action.flags, action.create);
    } else {
        store(action, mailbox, content, action.flags, action.create);
    }
}

void UserDelivery::Run::copy_reply(const Action& action, const std::string& reply) {
    if (!action.fcc)
        return;
    std::string mailbox = imap::encode_utf7(action.fcc->mailbox);
    if (!action.fcc->special_use.empty())
        mailbox = host.mailbox_with(action.fcc->special_use).value_or(mailbox);
    store(action, mailbox, reply, action.fcc->flags, action.fcc->create);
}

// Scripts know addresses as they are written, envelopes in text form.
static std::string text_form(const std::string& written) {
    const auto mailbox = address::parse_mailbox(written, {.utf8 = true});
    return mailbox ? mailbox->text() : written;
}

bool UserDelivery::Run::send(SieveMail kind, const sieve::Outgoing& mail, const char* what) {
    SieveSubmit submit;
    submit.kind = kind;
    submit.sender = text_form(mail.from);
    for (const std::string& recipient : mail.recipients)
        submit.recipients.push_back(text_form(recipient));
    const SieveSubmitted submitted = user.link_.submit(submit, mail.content);
    if (submitted.code != 250) {
        logging::warning("{}: {} could not be queued: {}", request.session, what, submitted.text);
        return false;
    }
    log.push_back(fmt::format("{}: {}", what, submitted.text));
    return true;
}

void UserDelivery::Run::redirect(const Action& action) {
    const sieve::Sending sending = sieve::redirection(action, message, host.envelope(), user.settings_);
    if (sending.messages.empty()) {
        logging::warning("{}: redirect to <{}>: {}", request.session, action.address, sending.why_not);
        store(action, default_mailbox(), content, {}, false);
        return;
    }
    // Remembered at once: should storing fail, the message comes again and must not be sent twice.
    const std::string id = message_id_of(content);
    const std::string key = scripts::redirect_key(id, action.address);
    const std::int64_t period = user.params_.redirect_duplicate_period().count();
    const bool checked = period > 0 && !id.empty() && user.memory_;
    const auto ours = checked ? user.memory_->claim(key, now, now + period) : std::expected<bool, std::string>(true);
    if (!ours)
        logging::warning("{}: {}", user.owner_.name, ours.error());  // sent then, rather twice than not
    if (ours && !*ours) {
        log.push_back(fmt::format("not redirected to <{}> again", action.address));
        return;
    }
    for (const sieve::Outgoing& mail : sending.messages) {
        if (send(SieveMail::forward, mail, "redirected"))
            continue;
        refused = make_answer(451, "4.3.0", "Mail cannot be redirected now");
        if (checked)
            if (auto released = user.memory_->release(key); !released)
                logging::warning("{}: {}", user.owner_.name, released.error());
        return;
    }
}

void UserDelivery::Run::answer_vacation(const Action& action) {
    const sieve::VacationAnswer answer = sieve::answer(action, message, host.envelope(), user.settings_, now, seed());
    if (!answer.due) {
        log.push_back("no vacation answer: " + answer.why_not);
        return;
    }
    // Remembered before it is sent: rather none than a second one (RFC 5230, 4.2).
    if (!claim(scripts::vacation_key(answer.memory_key), action.seconds.count())) {
        log.push_back("no vacation answer: there was one already");
        return;
    }
    if (send(SieveMail::reply, answer.reply, "vacation answer"))
        copy_reply(action, answer.reply.content);
}

void UserDelivery::Run::notify(const Action& action) {
    const sieve::Sending sending = sieve::notification(
        action, message, host.envelope(), user.settings_, now, seed(), notified);
    if (sending.messages.empty())
        log.push_back("no notification: " + sending.why_not);
    for (const sieve::Outgoing& mail : sending.messages)
        if (send(SieveMail::reply, mail, "notification"))
            copy_reply(action, mail.content);
}

void UserDelivery::Run::report(const Action& action) {
    const sieve::Sending sending = sieve::abuse_report(action, message, host.envelope(), user.settings_, now, seed());
    if (sending.messages.empty())
        log.push_back("no report: " + sending.why_not);
    for (const sieve::Outgoing& mail : sending.messages)
        send(SieveMail::reply, mail, "report");
}

void UserDelivery::Run::refuse(const Action& action) {
    const bool ascii = std::all_of(
        action.reason.begin(), action.reason.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    // A reason that an LMTP reply cannot say is sent to the sender instead (RFC 5429, 2.2).
    const sieve::Sending sending = action.kind == Action::Kind::ereject || ascii
                                       ? sieve::Sending{}
                                       : sieve::rejection(action, message, host.envelope(), user.settings_, now, seed());
    for (const sieve::Outgoing& mail : sending.messages)
        if (!send(SieveMail::reply, mail, "rejection")) {
            refused = make_answer(451, "4.3.0", "The recipient's rules cannot be followed now");
            return;
        }
    if (!sending.messages.empty())
        return;
    refused = make_answer(550, "5.7.1", reply_text(action.reason));
    log.push_back("refused");
}

void UserDelivery::Run::perform(const Action& action) {
    switch (action.kind) {
    case Action::Kind::keep:
    case Action::Kind::fileinto: return store_action(action);
    case Action::Kind::redirect: return redirect(action);
    case Action::Kind::reject:
    case Action::Kind::ereject: return refuse(action);
    case Action::Kind::vacation: return answer_vacation(action);
    case Action::Kind::notify: return notify(action);
    case Action::Kind::discard: log.push_back("discarded"); return;
    case Action::Kind::mark_duplicate:
        to_remember.emplace_back(scripts::duplicate_key(action.duplicate_id), now + action.seconds.count());
        return;
    case Action::Kind::report: return report(action);
    }
}

// Once a day, so that a broken script does not fill the mailbox that it was to sort.
void UserDelivery::Run::note_to_user() {
    logging::warning("{}: user={}: sieve: {} -- the message goes on without it", request.session, user.owner_.name, trouble);
    if (!claim("note", kNoteEvery))
        return;
    const std::string note = fmt::format(
        "From: Mail filter <{0}>\r\nTo: <{1}>\r\nSubject: Your mail filter has a problem\r\nDate: {2}\r\n"
        "Message-ID: <{3}.note@{4}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "The rules that sort your mail could not be followed for a message that came now:\r\n\r\n    {5}\r\n\r\n"
        "No mail is lost: what the rules do not handle is in your INBOX. This note comes at most once a day.\r\n",
        user.params_.postmaster(), request.recipient, text::format_mail_date(now), request.session,
        user.params_.myhostname(), text::printable(trouble));
    pending.add("INBOX", note, {}, false);
}

void UserDelivery::Run::keep_reasons(const sieve::Outcome& outcome) {
    if (!user.why_)
        return;
    std::string reasons = fmt::format("message-id: {}\nfrom: <{}>\nto: <{}>\ntime: {}\n",
        text::printable(message_id_of(content)), request.sender, request.recipient, now);
    for (const Action& action : outcome.actions)
        reasons += fmt::format("action: {}\nrule: {}:{}\ntest: {}\n", sieve::format_action(action),
            action.implicit ? "the implicit keep" : action.cause.script, action.cause.line,
            action.cause.test.empty() ? "(none)" : fmt::format("line {}: {}", action.cause.test_line, action.cause.test));
    if (!outcome.error.empty())
        reasons += "error: " + outcome.error + "\n";
    for (const Pending::Stored& stored : pending.stored())
        reasons += fmt::format("mailbox: {} {}\n", stored.mailbox, stored.uid);
    user.reasons_.emplace_back(fmt::format("{:020} {}", now, request.session), std::move(reasons));
    if (user.reasons_.size() >= kMostReasons)
        user.keep_reasons();
}

SieveDelivered UserDelivery::Run::finish(const sieve::Outcome& outcome) {
    if (refused)
        return *refused;  // what lies in tmp/ goes with `pending`
    if (!trouble.empty())
        note_to_user();
    if (auto failed = pending.commit()) {
        logging::warning("{}: user={}: {}", request.session, user.owner_.name, failed->text);
        return failed->kind == store::Failure::Kind::no_space
                   ? make_answer(452, "4.2.2", "Not enough space")
                   : make_answer(451, "4.2.0", "The mailbox cannot be written now");
    }
    for (const auto& [key, until] : to_remember)
        if (user.memory_)
            if (auto kept = user.memory_->remember(key, until); !kept)
                logging::warning("{}: {}", user.owner_.name, kept.error());
    keep_reasons(outcome);
    std::string done;
    for (const Pending::Stored& stored : pending.stored())
        done += fmt::format(", mailbox={}, uid={}", stored.mailbox, stored.uid);
    for (const std::string& line : log)
        if (!line.starts_with("stored"))
            done += ", " + line;
    logging::info("{}: to=<{}>, user={}{}, sieve done", request.session, request.recipient, user.owner_.name, done);
    return make_answer(250, "2.0.0", request.session + " Saved");
}

SieveDelivered UserDelivery::deliver(const SieveDeliver& request, std::string_view content) {
    if (!account_)
        return make_answer(451, "4.2.0", "The mailbox cannot be opened now");
    scripts::HostFacts facts;
    facts.envelope.from = address::PathText(request.sender).mailbox();  // as scripts know addresses
    facts.envelope.to = address::PathText(request.recipient).mailbox();
    facts.user = owner_.name;
    facts.hostname = params_.myhostname();
    facts.version = params_.mail_version();
    facts.special_uses = params_.special_uses();
    Run run(*this, request, content, std::move(facts));

    Programs programs;
    if (places_)
        programs = load_programs(run.trouble);
    else
        run.trouble = places_.error();
    sieve::Interpreter interpreter(run.message, run.host, settings_);
    const sieve::Outcome outcome = interpreter.run_all(programs);
    if (outcome.status == sieve::Outcome::Status::temporary_failure) {
        logging::warning("{}: user={}: sieve: {}", request.session, owner_.name, outcome.error);
        return make_answer(451, "4.3.0", "The mailbox cannot be written now");
    }
    for (const std::string& warning : outcome.warnings)
        logging::info("{}: user={}: sieve: {}", request.session, owner_.name, warning);
    if (outcome.status == sieve::Outcome::Status::failed)
        run.trouble = outcome.error;
    for (const Action& action : outcome.actions) {
        run.perform(action);
        if (run.refused)
            break;
    }
    return run.finish(outcome);
}

}  // namespace sieve_delivery
