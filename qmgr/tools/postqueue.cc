// postqueue - lists and flushes the queue for users. Under the name mailq it lists.
//
// Security    set-gid setgid_group, so that users reach public/showq and public/qmgr. authorized_mailq_users and
//             authorized_flush_users say who may. The environment is cleaned, -c of users is restricted.
// Manual      postqueue(1), mailq(1)
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include "lib/command/command.h"
#include "lib/command/set_gid.h"
#include "lib/dict/match_list.h"
#include "lib/event/error.h"
#include "lib/ipc/channel.h"
#include "lib/ipc/records/qmgr.h"
#include "lib/ipc/records/showq.h"
#include "lib/question/alone.h"
#include "lib/queue/queue_id.h"
#include "lib/worker/command.h"
#include "qmgr/showq/listing.h"
#include "qmgr/tools/listing_format.h"
#include "qmgr/tools/postqueue_params.h"

namespace {

constexpr const char* kUsage = "usage: postqueue [-c config_dir] -f | -i queue_id | -j | -p | -s site";

using namespace std::chrono_literals;
using ipc::records::QmgrAnswer;
using ipc::records::QmgrCommand;
using ipc::records::QmgrVerb;
using ipc::records::ShowqEnd;
using ipc::records::ShowqMessage;

enum class Mode { none, plain, json, flush, id, site };

class Postqueue {
  public:
    Postqueue(int argc, char** argv);
    int run();

  private:
    [[noreturn]] void usage();
    void choose(Mode mode, const char* argument);
    void require_user(const char* parameter, const config::List& users, const char* action);
    int list();
    void print(const ShowqMessage& message);
    void list_directly(const std::string& reason);
    void command(QmgrVerb verb, const std::string& argument);
    static event::Task<void> read_listing(event::Loop& loop, Postqueue& self);
    static event::Task<void> send_command(event::Loop& loop, QmgrCommand order, Postqueue& self);

    worker::Command command_{"postqueue"};
    tools::PostqueueParams params_;
    Mode mode_ = Mode::none;
    std::string argument_;
    std::optional<tools::PlainListing> plain_;
    std::string failure_;
    bool complete_ = false;
    QmgrAnswer answer_;
};

void Postqueue::usage() { command_.fatal(EX_USAGE, "{}", kUsage); }

void Postqueue::choose(Mode mode, const char* argument) {
    if (mode_ != Mode::none)
        usage();
    mode_ = mode;
    argument_ = argument != nullptr ? argument : "";
}

Postqueue::Postqueue(int argc, char** argv) {
    const std::string_view program = argv[0] != nullptr ? argv[0] : "";
    if (program.ends_with("mailq"))
        mode_ = Mode::plain;
    for (int option = 0; (option = getopt(argc, argv, "c:fi:jps:v")) != -1;) {
        switch (option) {
        case 'c': command_.use_config(optarg); break;
        case 'f': choose(Mode::flush, nullptr); break;
        case 'i': choose(Mode::id, optarg); break;
        case 'j': choose(Mode::json, nullptr); break;
        case 'p': choose(Mode::plain, nullptr); break;
        case 's': choose(Mode::site, optarg); break;
        case 'v': break;  // more words in the log come from the daemons
        default: usage();
        }
    }
    if (mode_ == Mode::none || optind < argc)
        usage();
    command_.enter_queue(params_);
}

void Postqueue::require_user(const char* parameter, const config::List& users, const char* action) {
    if (getuid() == 0)
        return;
    const std::string name = worker::user_name(getuid());
    const auto list = dict::MatchList::open(parameter, users, dict::ListKind::strings);
    question::Alone alone;
    const auto listed = alone.wait(list.matches(alone.asker(), name));
    if (!listed || !*listed)
        command_.fatal(EX_NOPERM, "User {}({}) is not allowed to {} the mail queue", name, getuid(), action);
}

void Postqueue::print(const ShowqMessage& message) {
    const std::string text = mode_ == Mode::json ? tools::format_json(message) : plain_->format(message);
    if (fwrite(text.data(), 1, text.size(), stdout) != text.size())
        command_.fatal(EX_IOERR, "standard output: {}", std::strerror(errno));
}

event::Task<void> Postqueue::read_listing(event::Loop& loop, Postqueue& self) {
    try {
        ipc::Channel channel = co_await ipc::connect_service(loop, "public/showq", 10s);
        for (;;) {
            std::optional<std::string_view> frame = co_await channel.next_frame();
            if (!frame)
                break;
            auto message = ipc::decode<ShowqMessage>(*frame);
            self.complete_ = !message && ipc::record_name(*frame) == ShowqEnd::kRecord;
            if (!message)
                break;
            self.print(*message);
        }
        if (!self.complete_)
            self.command_.fatal(EX_UNAVAILABLE, "the queue listing of public/showq ended early");
    } catch (const event::StreamError& error) {
        self.failure_ = error.what();
    }
}

// As Postfix does it: root may look for himself, others cannot.
void Postqueue::list_directly(const std::string& reason) {
    const auto& mail_name = params_.mail_name();
    if (const std::string missing = ::command::missing_group("public", params_.setgid_group()); !missing.empty())
        command_.fatal(EX_NOPERM, "Queue report unavailable - {}", missing);
    if (getuid() != 0 && geteuid() != 0)
        command_.fatal(EX_UNAVAILABLE, "Queue report unavailable - mail system is down ({})", reason);
    command_.warning(
        "Mail system is down -- accessing queue directly (Connect to the {} showq service: {})", mail_name, reason);
    const auto spool = queue::Spool::open(".");
    if (!spool)
        command_.fatal(EX_UNAVAILABLE, "{}", spool.error().text);
    showq::Listing listing{*spool};
    for (auto messages = listing.next(); !messages.empty(); messages = listing.next()) {
        for (const ShowqMessage& message : messages)
            print(message);
    }
}

int Postqueue::list() {
    require_user("authorized_mailq_users", params_.authorized_mailq_users(), "view");
    plain_.emplace(params_.enable_long_queue_ids());
    event::Loop loop;
    loop.spawn(read_listing(loop, *this));
    loop.run_until_idle();
    if (!failure_.empty())
        list_directly(failure_);
    if (mode_ == Mode::plain) {
        const std::string end = plain_->end();
        fwrite(end.data(), 1, end.size(), stdout);
    }
    if (fflush(stdout) != 0)
        command_.fatal(EX_IOERR, "standard output: {}", std::strerror(errno));
    return EX_OK;
}

event::Task<void> Postqueue::send_command(event::Loop& loop, QmgrCommand order, Postqueue& self) {
    try {
        ipc::Channel channel = co_await ipc::connect_service(loop, "public/qmgr", 10s);
        channel.stream().set_timeout(30s);
        channel.write(order);
        std::expected<QmgrAnswer, std::string> answer = co_await channel.receive<QmgrAnswer>();
        if (answer)
            self.answer_ = *answer;
        else
            self.failure_ = answer.error();
    } catch (const event::StreamError& error) {
        self.failure_ = error.what();
    }
}

void Postqueue::command(QmgrVerb verb, const std::string& argument) {
    require_user("authorized_flush_users", params_.authorized_flush_users(), "flush");
    QmgrCommand order;
    order.verb = verb;
    order.argument = argument;
    event::Loop loop;
    loop.spawn(send_command(loop, std::move(order), *this));
    loop.run_until_idle();
    const std::string missing = failure_.empty() ? "" : ::command::missing_group("public", params_.setgid_group());
    if (!missing.empty())
        command_.fatal(EX_NOPERM, "Cannot flush mail queue - {}", missing);
    if (!failure_.empty())
        command_.fatal(EX_UNAVAILABLE, "Cannot flush mail queue - mail system is down ({})", failure_);
    if (!answer_.ok)
        command_.fatal(EX_UNAVAILABLE, "{}", answer_.reason);
}

int Postqueue::run() {
    switch (mode_) {
    case Mode::plain:
    case Mode::json: return list();
    case Mode::flush: command(QmgrVerb::flush_all, ""); break;
    case Mode::id:
        if (!queue::is_queue_id(argument_))
            command_.fatal(EX_DATAERR, "Invalid queue ID: {}", argument_);
        command(QmgrVerb::flush_id, argument_);
        break;
    case Mode::site: {
        const auto list = dict::MatchList::open("fast_flush_domains", params_.fast_flush_domains(),
            dict::domain_list_kind("fast_flush_domains", params_.parent_domain_matches_subdomains()));
        question::Alone alone;
        const auto listed = alone.wait(list.matches(alone.asker(), argument_));
        if (!listed || !*listed)
            command_.fatal(EX_UNAVAILABLE, "Flush service is not configured for destination \"{}\"", argument_);
        command(QmgrVerb::flush_site, argument_);
        break;
    }
    case Mode::none: usage();
    }
    return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
    command::begin(argc, argv, kUsage);
    Postqueue program{argc, argv};
    return program.run();
}
