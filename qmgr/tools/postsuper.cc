// postsuper - the superuser's hands in the queue: remove, hold, release, requeue, expire, check.
//
// Works on the directories alone, whether the mail system runs or not; the queue manager copes with files that go
// or move while it holds them.
//
// Security    for root, or whoever owns the queue of a private instance. As root it becomes mail_owner before it
//             touches a file, so that links planted in the spool lead nowhere.
// Manual      postsuper(1)
#include <fcntl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <functional>
#include <iostream>
#include <vector>

#include "lib/log/log.h"
#include "lib/queue/queue_id.h"
#include "lib/queue/spool.h"
#include "lib/worker/command.h"
#include "lib/worker/program.h"

namespace {

constexpr std::int64_t kStaleSeconds = 3600;

struct Request {
    char action = 'd';
    std::string id;  // an id, "ALL", or "-" for ids on the standard input
};

class Postsuper {
  public:
    Postsuper(int argc, char** argv);
    int run();

  private:
    [[noreturn]] void usage() {
        command_.fatal(EX_USAGE,
            "usage: postsuper [-c config_dir] [-ps] [-d id] [-e id] [-f id] [-h id] [-H id] "
            "[-r id] [directory ...]");
    }
    void take_options(int argc, char** argv);
    void require_owner();
    void say(const std::string& text);
    void serve(const Request& request);
    void act_on(char action, const std::string& id);
    void act_on_all(char action);
    bool act_in(char action, const std::string& queue, const std::string& id);
    bool move(const std::string& id, const std::string& from, const std::string& to);
    bool mark_expired(const std::string& queue, const std::string& id);
    void check_structure();
    void check_file(const std::string& queue, const std::string& id);
    void purge();
    void each_message(const std::string& queue, const std::function<void(const queue::Entry&)>& call);
    void summarize();
    void trouble(const queue::Trouble& trouble) { command_.warning("{}", trouble.text); }

    worker::Command command_{"postsuper"};
    config::CommonParams params_;
    std::optional<queue::Spool> spool_;
    std::vector<Request> requests_;
    std::vector<std::string> queues_;
    bool check_ = false;
    bool purge_ = false;
    std::uint64_t done_[256] = {};
};

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
        queues_.emplace_back(argv[i]);
    if (requests_.empty() && !check_ && !purge_)
        check_ = purge_ = true;
}

// Root, who then becomes the mail owner; or the one user of a private instance.
void Postsuper::require_owner() {
    struct stat info {};
    if (stat("incoming", &info) != 0)
        command_.fatal(EX_UNAVAILABLE, "{}/incoming: {}", params_.queue_directory(), std::strerror(errno));
    const bool mine = info.st_uid == getuid();
    if (getuid() != 0 && !mine)
        command_.fatal(EX_NOPERM, "use of this command is reserved for the superuser");
    if (getuid() == 0 && info.st_uid != 0)
        worker::become_user(params_.mail_owner());
}

Postsuper::Postsuper(int argc, char** argv) {
    take_options(argc, argv);
    command_.enter_queue(params_);
    require_owner();
    auto spool = queue::Spool::open(".");
    if (!spool)
        command_.fatal(EX_UNAVAILABLE, "{}", spool.error().text);
    spool_.emplace(std::move(*spool));
    for (const std::string& queue : queues_) {
        const auto& known = queue::kMessageQueues;
        if (std::find(known.begin(), known.end(), queue) == known.end() && queue != "corrupt" && queue != "maildrop")
            command_.fatal(EX_USAGE, "there is no queue \"{}\"; the queues are hold, incoming, active, deferred", queue);
    }
    if (queues_.empty())
        queues_.assign(queue::kMessageQueues.begin(), queue::kMessageQueues.end());
}

// To the person and to the log, as Postfix does it.
void Postsuper::say(const std::string& text) {
    std::cerr << "postsuper: " << text << '\n';
    logging::info("{}", text);
}

bool Postsuper::move(const std::string& id, const std::string& from, const std::string& to) {
    if (from == to)
        return false;
    const auto moved = spool_->move(id, from, to);
    if (!moved)
        trouble(moved.error());
    return moved && *moved;
}

bool Postsuper::mark_expired(const std::string& queue, const std::string& id) {
    const std::string path = queue + "/" + id;
    struct stat info {};
    if (fstatat(spool_->root(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
        return false;
    if (fchmodat(spool_->root(), path.c_str(), (info.st_mode & 07777) | queue::kExpireBit, 0) == 0)
        return true;
    command_.warning("{}: {}", path, std::strerror(errno));
    return false;
}

// Whether there was such a message, and it is done.
bool Postsuper::act_in(char action, const std::string& queue, const std::string& id) {
    switch (action) {
    case 'd': {
        const auto removed = spool_->remove(queue, id);
        if (!removed)
            trouble(removed.error());
        return removed && *removed;
    }
    case 'h': return move(id, queue, "hold");
    case 'H': {
        const bool released = queue == "hold" && move(id, "hold", "deferred");
        if (released)
            static_cast<void>(spool_->set_due("deferred", id, time(nullptr)));
        return released;
    }
    case 'r': return queue != "maildrop" && move(id, queue, "maildrop");
    case 'e': return mark_expired(queue, id);
    case 'f':
        if (!mark_expired(queue, id))
            return false;
        if (queue == "hold")
            return act_in('H', queue, id);
        return true;
    }
    return false;
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
    for (const std::string& queue : queues_) {
        if (!act_in(action, queue, id))
            continue;
        ++done_[static_cast<unsigned char>(action)];
        return say(id + ": " + past_of(action));
    }
}

void Postsuper::each_message(const std::string& queue, const std::function<void(const queue::Entry&)>& call) {
    auto scan = queue::DirectoryScan::open(*spool_, queue);
    if (!scan)
        return trouble(scan.error());
    for (auto entries = scan->next(1000); !entries.empty(); entries = scan->next(1000)) {
        for (const queue::Entry& entry : entries)
            call(entry);
    }
}

void Postsuper::act_on_all(char action) {
    for (const std::string& queue : queues_) {
        each_message(queue, [&](const queue::Entry& entry) {
            if (!act_in(action, queue, entry.id))
                return;
            ++done_[static_cast<unsigned char>(action)];
            say(entry.id + ": " + past_of(action));
        });
    }
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

// A file under a wrong name gets its own back; a damaged one is set apart.
void Postsuper::check_file(const std::string& queue, const std::string& id) {
    const auto file = spool_->open_message(queue, id, false);
    if (!file || !*file)
        return;
    const auto read = queue::read_message((*file)->get(), queue::Verify::content_too);
    if (!read && read.error().kind == queue::Damage::Kind::damaged && move(id, queue, "corrupt"))
        return command_.warning("{}/{} is damaged: {}; moved to corrupt/", queue, id, read.error().text);
    if (!read || read->envelope.queue_id == id || !queue::is_queue_id(read->envelope.queue_id))
        return;
    const std::string path = queue + "/" + id, right = queue + "/" + read->envelope.queue_id;
    if (renameat2(spool_->root(), path.c_str(), spool_->root(), right.c_str(), RENAME_NOREPLACE) == 0)
        command_.warning("{} renamed to {}, as it says inside", path, right);
    else
        command_.warning("{} should be {}: {}", path, right, std::strerror(errno));
}

void Postsuper::check_structure() {
    for (const std::string& queue : queues_)
        each_message(queue, [&](const queue::Entry& entry) { check_file(queue, entry.id); });
}

// What a crash left unfinished: never acknowledged, and nobody writes it.
void Postsuper::purge() {
    for (const char* queue : {"incoming", "maildrop"}) {
        each_message(queue, [&](const queue::Entry& entry) {
            const auto file = spool_->open_message(queue, entry.id, true);
            if (!file || !*file || std::abs(time(nullptr) - entry.due) < kStaleSeconds || !queue::try_lock((*file)->get()))
                return;
            const auto read = queue::read_message((*file)->get(), queue::Verify::envelope);
            if (!read && read.error().kind == queue::Damage::Kind::unfinished) {
                if (const auto removed = spool_->remove(queue, entry.id); removed && *removed)
                    say(entry.id + ": removed, it was never finished");
            }
        });
    }
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
    Postsuper program{argc, argv};
    return program.run();
}
