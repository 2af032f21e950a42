// postdrop - puts a message of a local user into maildrop/, where pickup finds it.
//
// Security    the only way of users into the queue, and the only program that is set-gid setgid_group beside
//             postqueue. It reads records from a pipe that any user may fill (frames.h), believes none of them, and
//             writes one file, whose owner is the user: that is who is held responsible for it. The environment is
//             cleaned, -c of users is restricted. A signal removes the file.
// Manual      postdrop(1)
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include "cleanup/tools/frames.h"
#include "cleanup/tools/postdrop_params.h"
#include "lib/command/command.h"
#include "lib/command/set_gid.h"
#include "lib/dict/match_list.h"
#include "lib/file/write.h"
#include "lib/ipc/record.h"
#include "lib/ipc/records/cleanup.h"
#include "lib/log/log.h"
#include "lib/question/alone.h"
#include "lib/queue/queue_id.h"
#include "lib/queue/spool.h"
#include "lib/time/clock.h"
#include "lib/worker/command.h"

namespace {

constexpr const char* kUsage = "usage: postdrop [-c config_dir] [-rv]";

using ipc::records::CleanupContent;
using ipc::records::CleanupEnd;
using ipc::records::CleanupOpen;
using ipc::records::CleanupRecipients;
using ipc::records::CleanupReply;

constexpr std::size_t kMaxFrame = 4 << 20;
constexpr std::size_t kMaxRecipients = 100000;
constexpr std::size_t kMaxText = 2000;

char unfinished_path[128];  // for the signal handler; empty while there is no file

void remove_unfinished(int) {
    if (unfinished_path[0] != '\0')
        unlink(unfinished_path);
    _exit(EX_TEMPFAIL);
}

class Postdrop {
  public:
    Postdrop(int argc, char** argv);
    int run();

  private:
    [[noreturn]] void refuse(int code, const char* dsn, const std::string& reason);
    void require_user();
    void create_file();
    void take_frame(const std::string& frame);
    void open_message(CleanupOpen open);
    void add(const std::vector<envelope::Recipient>& recipients);
    void append(const std::string& octets);
    void commit();
    void wake_pickup();
    void check_text(const std::string& text, const char* what);

    worker::Command command_{"postdrop"};
    tools::PostdropParams params_;
    std::optional<queue::Spool> spool_;
    std::optional<queue::QueueWriter> writer_;
    queue::Envelope envelope_;
    std::uint64_t size_ = 0;
    bool opened_ = false;
    bool ended_ = false;
};

Postdrop::Postdrop(int argc, char** argv) {
    for (int option = 0; (option = getopt(argc, argv, "c:rv")) != -1;) {
        switch (option) {
        case 'c': command_.use_config(optarg); break;
        case 'r':
        case 'v': break;  // -r is how it is always run
        default: command_.fatal(EX_USAGE, "{}", kUsage);
        }
    }
    command_.enter_queue(params_);
    auto spool = queue::Spool::open(".");
    if (!spool)
        command_.fatal(EX_UNAVAILABLE, "{}", spool.error().text);
    spool_.emplace(std::move(*spool));
}

// Tells sendmail, which tells the user.
void Postdrop::refuse(int code, const char* dsn, const std::string& reason) {
    writer_.reset();  // removes the file
    logging::warning("uid={}: {}", getuid(), reason);
    CleanupReply reply;
    reply.code = code;
    reply.dsn = dsn;
    reply.reason = reason;
    file::write_all(STDOUT_FILENO, ipc::encode(reply));
    _exit(EX_OK);
}

void Postdrop::require_user() {
    if (getuid() == 0)
        return;
    const std::string name = worker::user_name(getuid());
    const auto list = dict::MatchList::open(
        "authorized_submit_users", params_.authorized_submit_users(), dict::ListKind::strings);
    question::Alone alone;
    const auto listed = alone.wait(list.matches(alone.asker(), name));
    if (!listed || !*listed)
        refuse(550, "5.7.0", fmt::format("User {}({}) is not allowed to submit mail", name, getuid()));
}

void Postdrop::create_file() {
    for (int attempt = 0; attempt < 100; ++attempt) {
        const std::int64_t micros = wall_clock::now_us();
        envelope_.queue_id = queue::format_queue_id(static_cast<std::uint64_t>(micros), queue::IdForm::short_form);
        envelope_.mail.arrival_us = micros;
        auto created = spool_->create(queue::QueueName::maildrop, envelope_.queue_id);
        if (created) {
            writer_.emplace(std::move(*created));
            fmt::format_to_n(unfinished_path, sizeof unfinished_path - 1, "{}", writer_->path());
            return;
        }
        if (created.error().error == EEXIST)
            continue;
        const std::string missing = command::missing_group("public", params_.setgid_group());
        refuse(451, "4.3.0", created.error().text + (missing.empty() ? "" : "; " + missing));
    }
    refuse(451, "4.3.0", "no free file name for the submission");
}

// RFC 5321 has no address with a line end; a queue file and a log line shall have none either.
void Postdrop::check_text(const std::string& text, const char* what) {
    const bool control = std::any_of(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
    if (control || text.size() > kMaxText)
        refuse(550, "5.6.0", fmt::format("the {} is too long or has control characters", what));
}

void Postdrop::open_message(CleanupOpen open) {
    check_text(open.mail.sender, "sender");
    check_text(open.full_name, "full name");
    if (open.mail.ret > envelope::Ret::headers || !(open.mail.envid.empty() || envelope::is_envid(open.mail.envid)))
        refuse(550, "5.5.4", "malformed DSN parameters");
    opened_ = true;
    envelope_.full_name = open.full_name;
    // Only what a user may ask for; how the message came is not for them to say.
    envelope_.mail = std::move(open.mail);
    envelope_.mail.client = {};
    envelope_.mail.flags &= envelope::kSmtpUtf8 | envelope::kEightBit | envelope::kLocalOrigin;
    add(open.recipients);
    create_file();
}

void Postdrop::add(const std::vector<envelope::Recipient>& recipients) {
    for (const envelope::Recipient& recipient : recipients) {
        check_text(recipient.address, "recipient");
        if (!envelope::is_notify(recipient.notify) || !(recipient.orcpt.empty() || envelope::is_orcpt(recipient.orcpt)))
            refuse(550, "5.5.4", "malformed DSN parameters");
        if (envelope_.recipients.size() >= kMaxRecipients)
            refuse(550, "5.5.3", "too many recipients");
        envelope_.recipients.push_back(recipient);
        envelope_.recipients.back().original.clear();
    }
}

void Postdrop::append(const std::string& octets) {
    size_ += octets.size();
    const auto limit = static_cast<std::uint64_t>(params_.message_size_limit());
    if (limit > 0 && size_ > limit)
        refuse(552, "5.3.4", "message file too big");
    if (const auto done = writer_->append(octets); !done)
        refuse(done.error().disk_full() ? 452 : 451, "4.3.0", done.error().text);
}

void Postdrop::take_frame(const std::string& frame) {
    const std::string_view name = ipc::record_name(frame);
    if (name == CleanupOpen::kRecord && !opened_) {
        if (auto open = ipc::decode<CleanupOpen>(frame))
            return open_message(std::move(*open));
    } else if (name == CleanupRecipients::kRecord && opened_) {
        if (const auto more = ipc::decode<CleanupRecipients>(frame))
            return add(more->recipients);
    } else if (name == CleanupContent::kRecord && opened_) {
        if (const auto content = ipc::decode<CleanupContent>(frame))
            return append(content->octets);
    } else if (name == CleanupEnd::kRecord && opened_) {
        ended_ = true;
        return;
    }
    refuse(550, "5.5.0", "malformed input");
}

void Postdrop::commit() {
    if (envelope_.recipients.empty())
        refuse(550, "5.1.0", "no recipients specified");
    const auto done = writer_->commit(queue::encode_envelope(envelope_), envelope_.mail.arrival_us, false);
    if (!done)
        refuse(done.error().disk_full() ? 452 : 451, "4.3.0", done.error().text);
    unfinished_path[0] = '\0';
}

// A hint only: pickup looks by itself from time to time.
void Postdrop::wake_pickup() {
    const event::Fd client{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    constexpr std::string_view path = "public/pickup";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (!client || connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        logging::warning("{}: {}", path, std::strerror(errno));
}

int Postdrop::run() {
    for (const int signal_number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM})
        signal(signal_number, remove_unfinished);
    require_user();
    while (!ended_) {
        const auto frame = tools::read_frame(STDIN_FILENO, kMaxFrame);
        if (!frame) {  // the user thought better of it, or sendmail was killed
            writer_.reset();
            return EX_DATAERR;
        }
        take_frame(*frame);
    }
    commit();
    wake_pickup();
    CleanupReply reply;
    reply.code = 250;
    reply.dsn = "2.0.0";
    reply.queue_id = envelope_.queue_id;
    file::write_all(STDOUT_FILENO, ipc::encode(reply));
    return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
    command::begin(argc, argv, kUsage);
    Postdrop program{argc, argv};
    return program.run();
}
