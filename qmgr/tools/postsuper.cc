// postsuper - the superuser's hands in the queue: remove, hold, release, requeue, expire, check.
//
// Works on the directories alone, whether the mail system runs or not; the queue manager copes with files that go
// or move while it holds them.
//
// Security    for root, or whoever owns the queue of a private instance. As root it becomes mail_owner before it
//             touches a file, so that links planted in the spool lead nowhere.
// Manual      postsuper(1)
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <vector>

#include "lib/command/command.h"
#include "lib/log/log.h"
#include "lib/queue/queue_id.h"
#include "lib/queue/surgery.h"
#include "lib/worker/command.h"
#include "lib/worker/program.h"

namespace {

constexpr const char* kUsage =
    "usage: postsuper [-c config_dir] [-ps] [-d id] [-e id] [-f id] [-h id] [-H id] [-r id] [directory ...]";

struct Request {
    char action = 'd';
    std::string id;  // an id, "ALL", or "-" for ids on the standard input
};

class Postsuper {
  public:
    Postsuper(int argc, char** argv);
    int run();

  private:
    [[noreturn]] void usage() { command_.fatal(EX_USAGE, "{}", kUsage); }
    void take_options(int argc, char** argv);
    void require_owner();
    void say(const std::string& text);
    void serve(const Request& request);
    void act_on(char action, const std::string& id);
    void act_on_all(char action);
    std::expected<bool, queue::Failure> act_in(char action, queue::QueueName queue, const std::string& id);
    bool act(char action, queue::QueueName queue, const std::string& id);
    void check_structure();
    void purge();
    void each_message(std::vector<queue::QueueName> queues, const std::function<void(const queue::Entry&)>& call);
    void summarize();
    void trouble(const queue::Failure& trouble) { command_.warning("{}", trouble.text); }

    worker::Command command_{"postsuper"};
    config::CommonParams params_;
    std::optional<queue::Spool> spool_;
    std::optional<queue::Surgery> surgery_;
    std::vector<Request> requests_;
    std::vector<std::string> names_;  // of queues, as given
    std::vector<queue::QueueName> queues_;
    bool check_ = false;
    bool purge_ = false;
    std::uint64_t done_[256] = {};
};

std::vector<std::string_view> known_queues() {
    std::vector<std::string_view> names;
    for (const queue::QueueName queue : queue::kMessageQueues)
        names.push_back(name_of(queue));
    return names;
}

void Postsuper::take_options(int argc, char** argv) {
    for (int option = 0; (option = getopt(argc, argv, "c:d:e:f:h:H:r:psSv")) != -1;) {
        switch (option) {
        case 'c': command_.use_config(optarg); break;
        case 'd':
        case 'e':
        case 'f':
        case 'h':
        case 'H':
        case 'r': requests_.push_back({static_cast<char>(option), optarg}); break;
        case 'p': purge_ = true; break;
        case 's':
        case 'S': check_ = true; break;
        case 'v': break;
        default: usage();
        }
    }
    for (int i = optind; i < argc; ++i)
        names_.emplace_back(argv[i]);
    if (requests_.empty() && !check_ && !purge_)
        check_ = purge_ = true;
}

// Root, who then becomes the mail owner; or the one user of a private instance.
void Postsuper::require_owner() {
    const auto owner = spool_->owner();
    if (!owner)
        command_.fatal(EX_UNAVAILABLE, "{}: {}", params_.queue_directory(), owner.error().text);
    if (getuid() != 0 && *owner != getuid())
        command_.fatal(EX_NOPERM, "use of this command is reserved for the superuser");
    if (getuid() == 0 && *owner != 0)
        worker::become_user(params_.mail_owner());
}

Postsuper::Postsuper(int argc, char** argv) {
    take_options(argc, argv);
    command_.enter_queue(params_);
    auto spool = queue::Spool::open(".");
    if (!spool)
        command_.fatal(EX_UNAVAILABLE, "{}", spool.error().text);
    spool_.emplace(std::move(*spool));
    surgery_.emplace(*spool_);
    require_owner();
    for (const std::string& name : names_) {
        const auto queue = queue::parse_queue_name(name);
        if (!queue)
            command_.fatal(EX_USAGE, "there is no queue \"{}\"; the queues are {}", name, fmt::join(known_queues(), ", "));
        queues_.push_back(*queue);
    }
    if (queues_.empty())
        queues_.assign(queue::kMessageQueues.begin(), queue::kMessageQueues.end());
}

// To the person and to the log, as Postfix does it.
void Postsuper::say(const std::string& text) {
    std::cerr << "postsuper: " << text << '\n';
    logging::info("{}", text);
}

// Whether there was such a message, and it is done.
std::expected<bool, queue::Failure> Postsuper::act_in(char action, queue::QueueName queue, const std::string& id) {
    const bool on_hold = queue == queue::QueueName::hold;
    switch (action) {
    case 'd': return surgery_->remove(queue, id);
    case 'h': return surgery_->hold(queue, id);
    case 'H': return on_hold ? surgery_->release(id) : false;
    case 'r': return surgery_->requeue(queue, id);
    case 'e': return surgery_->expire(queue, id);
    case 'f': {
        const auto expired = surgery_->expire(queue, id);
        return expired && *expired && on_hold ? surgery_->release(id) : expired;
    }
    }
    return false;
}

bool Postsuper::act(char action, queue::QueueName queue, const std::string& id) {
    const auto done = act_in(action, queue, id);
    if (!done)
        trouble(done.error());
    return done && *done;
}

const char* past_of(char action) {
    switch (action) {
    case 'd': return "removed";
    case 'h': return "placed on hold";
    case 'H': return "released from hold";
    case 'r': return "requeued";
    default: return "expired";
    }
}

void Postsuper::act_on(char action, const std::string& id) {
    if (!queue::is_queue_id(id))
        return command_.warning("invalid mail queue id: {}", id);
    for (const queue::QueueName queue : queues_) {
        if (!act(action, queue, id))
            continue;
        ++done_[static_cast<unsigned char>(action)];
        return say(id + ": " + past_of(action));
    }
}

void Postsuper::each_message(std::vector<queue::QueueName> queues, const std::function<void(const queue::Entry&)>& call) {
    queue::Scan scan = spool_->scan(std::move(queues));
    for (;;) {
        const auto entries = scan.next(1000);
        if (const auto refused = scan.trouble())
            trouble(*refused);
        if (entries.empty())
            return;
        for (const queue::Entry& entry : entries)
            call(entry);
    }
}

void Postsuper::act_on_all(char action) {
    each_message(queues_, [&](const queue::Entry& entry) {
        if (!act(action, entry.queue, entry.id))
            return;
        ++done_[static_cast<unsigned char>(action)];
        say(entry.id + ": " + past_of(action));
    });
}

void Postsuper::serve(const Request& request) {
    if (request.id == "ALL")
        return act_on_all(request.action);
    if (request.id != "-")
        return act_on(request.action, request.id);
    for (std::string line; std::getline(std::cin, line);) {
        const std::size_t from = line.find_first_not_of(" \t\r");
        if (from != std::string::npos)
            act_on(request.action, line.substr(from, line.find_last_not_of(" \t\r") - from + 1));
    }
}

void Postsuper::check_structure() {
    each_message(queues_, [&](const queue::Entry& entry) {
        if (const std::string text = surgery_->check(entry); !text.empty())
            command_.warning("{}", text);
    });
}

void Postsuper::purge() {
    each_message(queue::purged_queues(), [&](const queue::Entry& entry) {
        if (surgery_->purge(entry))
            say(entry.id + ": removed, it was never finished");
    });
}

void Postsuper::summarize() {
    const struct {
        char action;
        const char* text;
    } kSummaries[] = {{'d', "Deleted"}, {'h', "Placed on hold"}, {'H', "Released from hold"}, {'r', "Requeued"},
        {'e', "Force-expired"}, {'f', "Force-expired"}};
    for (const auto& [action, text] : kSummaries) {
        const bool asked = std::any_of(
            requests_.begin(), requests_.end(), [action = action](const Request& r) { return r.action == action; });
        const std::uint64_t count = done_[static_cast<unsigned char>(action)];
        if (asked)
            say(fmt::format("{}: {} message{}", text, count, count == 1 ? "" : "s"));
    }
}

int Postsuper::run() {
    if (check_)
        check_structure();
    if (purge_)
        purge();
    for (const Request& request : requests_)
        serve(request);
    summarize();
    return EX_OK;
}

}  // namespace

int main(int argc, char** argv) {
    command::begin(argc, argv, kUsage);
    Postsuper program{argc, argv};
    return program.run();
}
