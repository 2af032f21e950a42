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
#include <sys/stat.h>

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
#include "local/system_users.h"

namespace {

using delivery::DeliverStatus;
using local::NoTarget;
using local::Target;

constexpr unsigned kThreads = 20;

struct User {
    std::string name;
    std::string home;
    Target target;
};
using FoundUser = std::expected<User, NoTarget>;

event::Task<FoundUser> find_user(
    const question::Asker& asker, local::SystemUsers& users, std::string recipient, const local::Params& params) {
    std::string name = text::lower(address::parse_text(recipient).local);
    const std::string& delimiters = params.recipient_delimiter();
    if (!delimiters.empty() && name.size() > 1)
        name = name.substr(0, name.find_first_of(delimiters, 1));
    local::SystemUsers::Found found = co_await users.find(asker, name);
    if (!found)
        co_return std::unexpected(NoTarget{DeliverStatus::deferred, "4.3.0", found.error()});
    if (!*found)
        co_return std::unexpected(NoTarget{DeliverStatus::bounced, "5.1.1", "unknown user: \"" + name + "\""});
    if (auto drop = store::find_drop(params.home_mailbox()); !drop)
        co_return std::unexpected(NoTarget{DeliverStatus::deferred, "4.3.5", "home_mailbox: " + drop.error().text});
    User user;
    user.name = std::move(name);
    user.home = (*found)->home;
    user.target = {(*found)->user, (*found)->group, user.home + "/" + params.home_mailbox()};
    co_return user;
}

// In the thread pool.
delivery::RecipientResult deliver_one(
    const delivery::Job& job, const delivery::DeliverRecipient& recipient, const User& user) {
    struct stat home {};
    if (::stat(user.home.c_str(), &home) != 0)
        return delivery::make_result(
            DeliverStatus::deferred, "4.2.0", "the home directory of " + user.name + " is not there", "local");
    auto rights = delivery::AsUser::become(user.target.user, user.target.group);
    if (!rights)
        return delivery::make_result(DeliverStatus::deferred, "4.3.5", rights.error(), "local");
    return local::deliver_to_path(job, recipient, user.target.path, "local");
}

event::Task<void> deliver(
    delivery::Job& job, event::ThreadPool& pool, local::SystemUsers& users, const local::Params& params) {
    const question::Asker asker(pool.loop());
    for (const delivery::DeliverRecipient& recipient : job.request.recipients) {
        FoundUser user = co_await find_user(asker, users, recipient.recipient.address, params);
        if (!user) {
            const NoTarget& why = user.error();
            job.finish(recipient, delivery::make_result(why.status, why.dsn, why.text, "local"));
            continue;
        }
        auto work = [&job, &recipient, &user] { return deliver_one(job, recipient, *user); };
        delivery::RecipientResult result = co_await pool.run(std::move(work));
        job.finish(recipient, std::move(result));
    }
}

}  // namespace

int main(int argc, char** argv) {
    local::Params params;
    worker::Program program(argc, argv, "local", params);
    event::ThreadPool pool(program.loop(), kThreads);
    local::SystemUsers users(pool);
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::none);
    delivery::Deliver handler = [&](delivery::Job& job) { return deliver(job, pool, users, params); };
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return delivery::serve_requests(std::move(client), seat, jail.loop(), handler);
    });
}
