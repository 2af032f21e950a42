#include "imapd/lmtp/store/delivery.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "imapd/account/identity.h"
#include "imapd/account/mail_location.h"
#include "imapd/account/script_places.h"
#include "lib/address/extension.h"
#include "lib/address/mailbox.h"
#include "lib/address/path_text.h"
#include "lib/delivery/as_user.h"
#include "lib/file/write.h"
#include "lib/log/log.h"
#include "lib/store/storage.h"
#include "lib/text/text.h"

namespace lmtp_store {

using ipc::records::StoreKnown;
using ipc::records::StoreResult;
using userdb::User;

namespace {

constexpr std::size_t kKeepWhole = 256 * 1024;  // octets of a message that wait in memory

struct Recipient {
    std::string address;  // as lmtpd gave it
    std::string mailbox = "INBOX";
    User user;
    uid_t uid = ::geteuid();  // who writes
    gid_t gid = ::getegid();
    std::string mail;  // its location
    std::unique_ptr<store::Delivery> delivery;
    bool looked_for_script = false;
    bool scripted = false;
    bool remembered = false;  // scripted by the word of recent_scripts, not of the disk
    std::string small;        // the message for the script, trace lines included
    event::Fd aside;          // or, where it is large, a file with it
    StoreResult result;       // code 0 while all is well
};

struct Message {
    std::string session;
    std::string sender;
    std::string head;  // trace lines in front of the content, without Delivered-To
    std::vector<Recipient> recipients;
    std::string pending;  // content that is not written yet
    bool streaming = false;
};

StoreResult make_result(int code, std::string dsn, std::string text) {
    StoreResult result;
    result.code = code;
    result.dsn = std::move(dsn);
    result.text = std::move(text);
    return result;
}

StoreResult refuse(const store::Failure& failure, const Recipient& recipient) {
    logging::warning("{}: {}", recipient.user.name, failure.text);
    if (failure.kind == store::Failure::Kind::no_space)
        return make_result(452, "4.2.2", "Not enough space");
    return make_result(451, "4.2.0", "The mailbox cannot be written now");
}

// Opens the delivery; the mailbox of a detail that does not exist is INBOX.
store::Result<std::unique_ptr<store::Delivery>> begin(const Recipient& recipient) {
    store::AccountSettings settings;
    settings.location = recipient.mail;
    auto delivery = store::begin_delivery(settings, recipient.mailbox);
    bool no_such = !delivery && (delivery.error().kind == store::Failure::Kind::not_found ||
                                    delivery.error().kind == store::Failure::Kind::bad_name);
    if (no_such && recipient.mailbox != "INBOX")
        delivery = store::begin_delivery(settings, "INBOX");
    return delivery;
}

// What one recipient needs done; runs in the pool, as that recipient.
struct Work {
    const Params* params;
    Recipient* recipient;
    std::string_view head;
    std::string_view content;
    bool commit;
};

// Is there a script to be run for this user? Asked with the user's rights.
bool has_script(const Params& params, const Recipient& recipient) {
    if (params.sieve_socket().empty())
        return false;
    if (!params.before().empty() || !params.after().empty())
        return true;
    auto places = account::places_of(params, {recipient.user.name, recipient.user.home});
    if (!places)
        return false;
    return ::access(places->active.c_str(), F_OK) == 0 ||
           (!places->default_script.empty() && ::access(places->default_script.c_str(), F_OK) == 0);
}

std::string head_for(const Work& work) {
    const std::size_t end = work.head.find('\n') + 1;  // behind Return-Path
    return std::string(work.head.substr(0, end)) + address::delivered_to_field(work.recipient->address) +
           std::string(work.head.substr(end));
}

bool read_whole(int file, std::string& octets) {
    char block[65536];
    for (off_t at = 0;;) {
        const ssize_t count = ::pread(file, block, sizeof block, at);
        if (count == 0)
            return true;
        if (count < 0 && errno != EINTR)
            return false;
        if (count > 0)
            octets.append(block, static_cast<std::size_t>(count));
        at += std::max<ssize_t>(count, 0);
    }
}

// A large message lies in a file without a name beside the user's mail, a small one in memory.
bool put_aside(const Work& work) {
    Recipient& recipient = *work.recipient;
    if (!recipient.aside) {
        recipient.small = head_for(work);
        if (work.commit && recipient.small.size() + work.content.size() <= ipc::records::kSieveInline) {
            recipient.small += work.content;
            return true;
        }
        recipient.aside = store::scratch_file(recipient.mail);
        const std::string head = std::exchange(recipient.small, {});
        if (!recipient.aside || !file::write_all(recipient.aside.get(), head))
            return false;
    }
    return file::write_all(recipient.aside.get(), work.content);
}

void write_part(const Work& work) {
    Recipient& recipient = *work.recipient;
    auto user = delivery::AsUser::become(recipient.uid, recipient.gid);
    if (!user) {
        logging::warning("{}: {}", recipient.user.name, user.error());
        recipient.result = make_result(451, "4.3.5", "The mailbox cannot be written now");
        return;
    }
    auto failed = [&](const store::Failure& failure) {
        recipient.result = refuse(failure, recipient);
        recipient.delivery.reset();
    };
    if (!std::exchange(recipient.looked_for_script, true))
        recipient.scripted = has_script(*work.params, recipient);
    if (recipient.scripted) {
        if (!put_aside(work))
            failed({errno == ENOSPC || errno == EDQUOT ? store::Failure::Kind::no_space : store::Failure::Kind::temporary,
                std::string("put a message aside: ") + std::strerror(errno)});
        return;
    }
    if (!recipient.delivery) {
        auto begun = begin(recipient);
        if (!begun)
            return failed(begun.error());
        recipient.delivery = std::move(*begun);
        if (auto written = recipient.delivery->write(head_for(work)); !written)
            return failed(written.error());
    }
    if (!work.content.empty())
        if (auto written = recipient.delivery->write(work.content); !written)
            return failed(written.error());
    if (!work.commit)
        return;
    auto delivered = recipient.delivery->commit({});
    if (!delivered)
        return failed(delivered.error());
    recipient.delivery.reset();
    recipient.result = make_result(250, "2.0.0", "");
    recipient.result.text = std::to_string(delivered->uid);
}

// The user's script could not be run at all: the message goes where it would have gone without one.
void deliver_aside(Recipient* recipient, int aside) {
    std::string content = std::move(recipient->small);
    recipient->scripted = false;
    if (aside >= 0 && !read_whole(aside, content)) {
        logging::warning("{}: a message that was put aside: {}", recipient->user.name, std::strerror(errno));
        recipient->result = make_result(451, "4.3.0", "The message cannot be read now");
        return;
    }
    auto user = delivery::AsUser::become(recipient->uid, recipient->gid);
    if (!user) {
        recipient->result = make_result(451, "4.3.5", "The mailbox cannot be written now");
        return;
    }
    auto begun = begin(*recipient);
    store::Result<void> written;
    if (begun)
        written = (*begun)->write(content);
    if (!begun || !written) {
        recipient->result = refuse(begun ? written.error() : begun.error(), *recipient);
        return;
    }
    auto delivered = (*begun)->commit({});
    if (!delivered) {
        recipient->result = refuse(delivered.error(), *recipient);
        return;
    }
    recipient->result = make_result(250, "2.0.0", std::to_string(delivered->uid));
}

// Forgetting a delivery removes what it had in tmp/, which takes the same rights as making it.
void drop_deliveries(Message& message) {
    for (Recipient& recipient : message.recipients) {
        if (!recipient.delivery)
            continue;
        auto user = delivery::AsUser::become(recipient.uid, recipient.gid);
        recipient.delivery.reset();
    }
}

class Connection {
  public:
    Connection(event::Stream stream, worker::Client& seat, Services& services)
        : channel_(std::move(stream)), seat_(seat), services_(services) {}

    event::Task<void> serve();
    event::Task<void> forget_message();

  private:
    event::Task<bool> serve_frame(std::string frame);
    event::Task<void> look_up(std::string recipient);
    event::Task<void> open(ipc::records::StoreOpen record);
    event::Task<void> add_recipient(std::string address);
    bool goes_to_script_at_once(const Work& work);
    event::Task<void> write_all(bool commit);
    event::Task<void> follow_script(Recipient& recipient);
    event::Task<void> finish();
    event::Task<userdb::Found> find_user(std::string recipient, std::string& detail);

    ipc::Channel channel_;
    worker::Client& seat_;
    Services& services_;
    std::unique_ptr<Message> message_;
};

// Who the thread that writes becomes: the reason why it may not; empty where it may. Without root it stays who it is.
std::string take_identity(Recipient& recipient, int first_valid_uid) {
    const User& user = recipient.user;
    std::string refused = account::refused_identity(user.uid, user.gid, first_valid_uid);
    if (refused.empty() && ::geteuid() == 0) {
        recipient.uid = *user.uid;
        recipient.gid = *user.gid;
    }
    return refused;
}

// user+detail@domain is asked whole first: a user's name may have the delimiter in it.
event::Task<userdb::Found> Connection::find_user(std::string recipient, std::string& detail) {
    userdb::Found found = co_await services_.users.find(recipient);
    if (!found || *found)
        co_return found;
    const std::string& delimiters = services_.params.recipient_delimiter();
    address::Mailbox mailbox = address::parse_text(recipient);
    std::size_t cut = delimiters.empty() || mailbox.local.empty() ? std::string::npos
                                                                  : mailbox.local.find_first_of(delimiters, 1);
    if (cut == std::string::npos)
        co_return found;
    detail = mailbox.local.substr(cut + 1);
    mailbox.local.resize(cut);
    std::string base = mailbox.text();
    found = co_await services_.users.find(std::move(base));
    co_return found;
}

event::Task<void> Connection::look_up(std::string recipient) {
    std::string detail;
    userdb::Found found = co_await find_user(std::move(recipient), detail);
    ipc::records::StoreLookupReply reply;
    reply.known = !found ? StoreKnown::temporary : *found ? StoreKnown::known : StoreKnown::unknown;
    if (!found) {
        reply.reason = found.error();
        logging::warning("user look-up: {}", found.error());
    }
    channel_.write(reply);
}

event::Task<void> Connection::add_recipient(std::string address) {
    Recipient recipient;
    recipient.address = address;
    recipient.result.code = 0;
    std::string detail;
    userdb::Found found = co_await find_user(address, detail);
    if (!found || !*found) {
        recipient.result = found ? make_result(550, "5.1.1", "User doesn't exist")
                                 : make_result(451, "4.3.0", "Temporary user lookup failure");
        message_->recipients.push_back(std::move(recipient));
        co_return;
    }
    recipient.user = **found;
    if (services_.params.save_to_detail_mailbox() && !detail.empty())
        recipient.mailbox = detail;
    const std::string& location = recipient.user.mail.empty() ? services_.params.mail_location() : recipient.user.mail;
    const auto mail = account::mail_of(location, recipient.user.name, recipient.user.home);
    const std::string trouble = take_identity(recipient, services_.params.first_valid_uid());
    if (!mail || !trouble.empty()) {
        logging::warning("{}: {}", recipient.user.name, trouble.empty() ? mail.error() : trouble);
        recipient.result = make_result(451, "4.3.5", "The mailbox cannot be written now");
    } else {
        recipient.mail = *mail;
    }
    message_->recipients.push_back(std::move(recipient));
}

event::Task<void> Connection::open(ipc::records::StoreOpen record) {
    message_ = std::make_unique<Message>();
    message_->session = record.session;
    message_->sender = record.sender;
    message_->head = address::return_path_field(record.sender) + record.trace;
    for (std::string& address : record.recipients)
        co_await add_recipient(address);
}

// A small message for a user who had a script just now takes no thread at all.
bool Connection::goes_to_script_at_once(const Work& work) {
    Recipient& recipient = *work.recipient;
    const bool small = work.head.size() + work.content.size() + recipient.address.size() + 100 <= ipc::records::kSieveInline;
    if (recipient.looked_for_script || !small || !services_.recent_scripts.holds(recipient.user.name))
        return false;
    recipient.looked_for_script = recipient.scripted = recipient.remembered = true;
    recipient.small = head_for(work);
    recipient.small += work.content;
    return true;
}

event::Task<void> Connection::write_all(bool commit) {
    for (Recipient& recipient : message_->recipients) {
        if (recipient.result.code != 0)
            continue;
        Work work{&services_.params, &recipient, message_->head, message_->pending, commit};
        if (commit && goes_to_script_at_once(work))
            continue;
        auto job = [work] { write_part(work); };
        co_await services_.pool.run(std::move(job));
    }
    message_->pending.clear();
}

event::Task<void> Connection::follow_script(Recipient& recipient) {
    ipc::records::SieveDeliver request;
    request.session = message_->session;
    request.user = recipient.user.name;
    request.mailbox = recipient.mailbox;
    request.sender = message_->sender;
    request.recipient = recipient.address;
    event::Fd content;
    if (recipient.aside)
        content = event::Fd(::fcntl(recipient.aside.get(), F_DUPFD_CLOEXEC, 3));
    request.content = recipient.small;
    if (!recipient.remembered)
        services_.recent_scripts.note(recipient.user.name);
    ipc::records::SieveDelivered answer = co_await services_.sieve.deliver(std::move(request), std::move(content));
    if (answer.code == 0) {
        const int aside = recipient.aside.get();
        Recipient* to = &recipient;
        auto job = [to, aside] { deliver_aside(to, aside); };
        co_await services_.pool.run(std::move(job));
        co_return;
    }
    recipient.result = make_result(answer.code, std::move(answer.dsn), std::move(answer.text));
}

event::Task<void> Connection::finish() {
    co_await write_all(true);
    ipc::records::StoreReply reply;
    for (Recipient& recipient : message_->recipients) {
        if (recipient.scripted && recipient.result.code == 0)
            co_await follow_script(recipient);
    }
    for (Recipient& recipient : message_->recipients) {
        if (recipient.result.code == 250 && !recipient.scripted) {
            logging::info("{}: to=<{}>, user={}, mailbox={}, uid={}, saved", message_->session, recipient.address,
                recipient.user.name, recipient.mailbox, recipient.result.text);
            recipient.result.text = message_->session + " Saved";
        }
        reply.results.push_back(recipient.result);
    }
    channel_.write(reply);
    message_.reset();
}

event::Task<void> Connection::forget_message() {
    if (!message_)
        co_return;
    auto job = [this] { drop_deliveries(*message_); };
    co_await services_.pool.run(std::move(job));
    message_.reset();
}

// False where the client does not keep to the protocol.
event::Task<bool> Connection::serve_frame(std::string frame) {
    using namespace ipc::records;
    std::string_view name = ipc::record_name(frame);
    if (name == StoreLookup::kRecord && !message_) {
        auto record = ipc::decode<StoreLookup>(frame);
        if (!record)
            co_return false;
        co_await look_up(record->recipient);
        co_return true;
    }
    if (name == StoreOpen::kRecord && !message_) {
        auto record = ipc::decode<StoreOpen>(frame);
        if (!record)
            co_return false;
        co_await open(std::move(*record));
        co_return true;
    }
    if (name == StoreContent::kRecord && message_) {
        auto record = ipc::decode<StoreContent>(frame);
        if (!record)
            co_return false;
        message_->pending += record->octets;
        if (message_->pending.size() >= kKeepWhole)
            co_await write_all(false);
        co_return true;
    }
    if (name == StoreEnd::kRecord && message_) {
        co_await finish();
        co_return true;
    }
    co_return false;
}

event::Task<void> Connection::serve() {
    for (;;) {
        channel_.stream().push();  // the answer, before a process that is to leave may end here
        if (!message_)
            seat_.set(worker::Client::State::between_requests);
        std::optional<std::string_view> frame = co_await channel_.next_frame(1 << 20);
        seat_.set(worker::Client::State::busy);
        if (!frame)
            co_return;
        std::string copy(*frame);
        bool kept = co_await serve_frame(std::move(copy));
        if (!kept) {
            logging::warning("lmtpd does not keep to the protocol; its connection is closed");
            co_return;
        }
    }
}

}  // namespace

event::Task<void> serve_client(event::Stream stream, worker::Client& seat, Services& services) {
    Connection connection(std::move(stream), seat, services);
    std::optional<event::StreamError> broken;
    try {
        co_await connection.serve();
    } catch (const event::StreamError& error) {
        broken = error;
    }
    bool cancelled = broken && broken->kind() == event::StreamError::Kind::cancelled;
    if (!cancelled)
        co_await connection.forget_message();
}

}  // namespace lmtp_store
