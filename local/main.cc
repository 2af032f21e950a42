// NAME
//     local - delivery to the users of this host
// SYNOPSIS
//     local [generic master options]
// DESCRIPTION
//     Delivers what qmgr(8) asks for into the Maildir (home_mailbox) of the system user with the recipient's name;
//     an address extension (recipient_delimiter) is ignored.
// SECURITY
//     Runs as root and reads nothing from the network; each delivery is made by a thread that has become the
//     recipient, so that files are opened with the recipient's rights. Mail for root itself is not delivered.
// DIAGNOSTICS
//     A home that is missing defers: it may be a file server that is down.
#include <pwd.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "lib/address/mailbox.h"
#include "lib/delivery/as_user.h"
#include "lib/event/thread_pool.h"
#include "lib/log/log.h"
#include "lib/store/drop.h"
#include "lib/text/text.h"
#include "lib/worker/program.h"
#include "local/deliver_to_path.h"
#include "local/local_user.h"
#include "local/params.h"

namespace {

using delivery::DeliverStatus;
using local::NoTarget;
using local::Target;

constexpr unsigned kThreads = 20;

std::expected<Target, NoTarget> find_target(const std::string& recipient, const local::Params& params) {
    std::string name = text::lower(address::parse_text(recipient).local);
    const std::string& delimiters = params.recipient_delimiter();
    if (!delimiters.empty() && name.size() > 1)
        name = name.substr(0, name.find_first_of(delimiters, 1));
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    int failure = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (failure != 0 && failure != ENOENT)
        return std::unexpected(NoTarget{DeliverStatus::deferred, "4.3.0", "the user database cannot be read"});
    if (found == nullptr)
        return std::unexpected(NoTarget{DeliverStatus::bounced, "5.1.1", "unknown user: \"" + name + "\""});
    struct stat home {};
    if (::stat(entry.pw_dir, &home) != 0)
        return std::unexpected(
            NoTarget{DeliverStatus::deferred, "4.2.0", "the home directory of " + name + " is not there"});
    if (auto drop = store::find_drop(params.home_mailbox()); !drop)
        return std::unexpected(NoTarget{DeliverStatus::deferred, "4.3.5", "home_mailbox: " + drop.error().text});
    return Target{entry.pw_uid, entry.pw_gid, std::string(entry.pw_dir) + "/" + params.home_mailbox()};
}

delivery::RecipientResult deliver_one(
    const delivery::Job& job, const delivery::DeliverRecipient& recipient, const local::Params& params) {
    auto target = find_target(recipient.address, params);
    if (!target)
        return delivery::make_result(target.error().status, target.error().dsn, target.error().text, "local");
    auto user = delivery::AsUser::become(target->user, target->group);
    if (!user)
        return delivery::make_result(DeliverStatus::deferred, "4.3.5", user.error(), "local");
    return local::deliver_to_path(job, recipient, target->path, "local");
}

event::Task<void> deliver(delivery::Job& job, event::ThreadPool& pool, const local::Params& params) {
    for (const delivery::DeliverRecipient& recipient : job.request.recipients) {
        auto work = [&job, &recipient, &params] { return deliver_one(job, recipient, params); };
        delivery::RecipientResult result = co_await pool.run(std::move(work));
        job.finish(recipient, std::move(result));
    }
}

}  // namespace

int main(int argc, char** argv) {
    local::Params params;
    worker::Program program(argc, argv, "local", params);
    event::ThreadPool pool(program.loop(), kThreads);
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::none);
    delivery::Deliver handler = [&](delivery::Job& job) { return deliver(job, pool, params); };
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return delivery::serve_requests(std::move(client), seat, jail.loop(), handler);
    });
}
