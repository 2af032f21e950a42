// NAME
//     virtual - delivery to virtual users
// SYNOPSIS
//     virtual [generic master options]
// DESCRIPTION
//     Delivers what qmgr(8) asks for into the Maildir that virtual_mailbox_maps names for the recipient, below
//     virtual_mailbox_base, with the user and group of virtual_uid_maps and virtual_gid_maps. The name in the table
//     ends in a slash.
// SECURITY
//     Runs as root and reads nothing from the network; each delivery is made by a thread that has become the
//     mailbox's owner. A path with ".." in it is refused.
// DIAGNOSTICS
//     A recipient that no table knows bounces; a table that cannot answer defers.
#include "lib/address/address_maps.h"
#include "lib/address/resolver.h"
#include "lib/config/place.h"
#include "lib/delivery/as_user.h"
#include "lib/event/thread_pool.h"
#include "lib/log/log.h"
#include "lib/store/drop.h"
#include "lib/text/id.h"
#include "lib/text/text.h"
#include "lib/worker/program.h"
#include "local/deliver_to_path.h"
#include "local/local_user.h"
#include "local/virtual/params.h"

namespace {

using delivery::DeliverStatus;
using local::NoTarget;
using local::Target;

constexpr unsigned kThreads = 20;

struct Services {
    Services(const virtual_delivery::Params& the_params, const config::MainCf& cf)
        : params(the_params),
          resolver(params, config::own_addresses(cf)),
          mailboxes(dict::TableList::open("virtual_mailbox_maps", params.virtual_mailbox_maps())),
          uids(dict::TableList::open("virtual_uid_maps", params.uid_maps())),
          gids(dict::TableList::open("virtual_gid_maps", params.gid_maps())) {}
    const virtual_delivery::Params& params;
    address::Resolver resolver;
    dict::TableList mailboxes, uids, gids;
};

NoTarget deferred(const std::string& text) { return {DeliverStatus::deferred, "4.3.5", text}; }

using Value = std::expected<std::optional<std::string>, NoTarget>;
using Id = std::expected<std::uint64_t, NoTarget>;
using FoundTarget = std::expected<Target, NoTarget>;

event::Task<Value> find(
    const question::Asker& asker, const Services& services, const dict::TableList& maps, std::string recipient) {
    address::Mailbox mailbox = address::parse_text(recipient);
    address::FindResult found = co_await address::find_address(
        asker, maps, mailbox, services.resolver.classes(), services.resolver.find_rules());
    if (!found)
        co_return std::unexpected(NoTarget{DeliverStatus::deferred, "4.3.0", found.error().text});
    if (!*found)
        co_return std::nullopt;
    co_return (*found)->value;
}

event::Task<Id> find_id(const question::Asker& asker, const Services& services, const dict::TableList& maps,
    std::string recipient, const char* parameter) {
    Value value = co_await find(asker, services, maps, recipient);
    if (!value)
        co_return std::unexpected(value.error());
    if (!*value)
        co_return std::unexpected(deferred(std::string(parameter) + " has no entry for " + recipient));
    auto number = text::parse_id(**value);
    if (!number)
        co_return std::unexpected(deferred(std::string(parameter) + ": \"" + **value + "\" is no id"));
    co_return *number;
}

bool leads_out(const std::string& path) {
    for (std::string_view part : text::split(path, "/"))
        if (part == "..")
            return true;
    return false;
}

// The tables belong to the loop's thread, so this is not part of the blocking work.
event::Task<FoundTarget> find_target(const question::Asker& asker, const Services& services, std::string recipient) {
    Value mailbox = co_await find(asker, services, services.mailboxes, recipient);
    if (!mailbox)
        co_return std::unexpected(mailbox.error());
    if (!*mailbox)
        co_return std::unexpected(NoTarget{DeliverStatus::bounced, "5.1.1", "unknown user: \"" + recipient + "\""});
    if (services.params.mailbox_base().empty())
        co_return std::unexpected(deferred("virtual_mailbox_base is not set"));
    if (leads_out(**mailbox))
        co_return std::unexpected(deferred("virtual_mailbox_maps: \"" + **mailbox + "\" leads out of virtual_mailbox_base"));
    if (auto drop = store::find_drop(**mailbox); !drop)
        co_return std::unexpected(deferred("virtual_mailbox_maps: " + drop.error().text));
    Id uid = co_await find_id(asker, services, services.uids, recipient, "virtual_uid_maps");
    if (!uid)
        co_return std::unexpected(uid.error());
    Id gid = co_await find_id(asker, services, services.gids, recipient, "virtual_gid_maps");
    if (!gid)
        co_return std::unexpected(gid.error());
    if (*uid < static_cast<std::uint64_t>(services.params.minimum_uid()))
        co_return std::unexpected(deferred("virtual_uid_maps: " + std::to_string(*uid) + " is below virtual_minimum_uid"));
    if (*gid == 0)
        co_return std::unexpected(deferred("virtual_gid_maps: the group of root is nobody's"));
    co_return Target{static_cast<uid_t>(*uid), static_cast<gid_t>(*gid), services.params.mailbox_base() + "/" + **mailbox};
}

delivery::RecipientResult deliver_one(
    const delivery::Job& job, const delivery::DeliverRecipient& recipient, const Target& target) {
    auto user = delivery::AsUser::become(target.user, target.group);
    if (!user)
        return delivery::make_result(DeliverStatus::deferred, "4.3.5", user.error(), "virtual");
    return local::deliver_to_path(job, recipient, target.path, "virtual");
}

event::Task<void> deliver(delivery::Job& job, event::ThreadPool& pool, const Services& services) {
    const question::Asker asker(pool.loop());
    for (const delivery::DeliverRecipient& recipient : job.request.recipients) {
        FoundTarget target = co_await find_target(asker, services, recipient.recipient.address);
        if (!target) {
            NoTarget why = target.error();
            job.finish(recipient, delivery::make_result(why.status, why.dsn, why.text, "virtual"));
            continue;
        }
        Target found = *target;
        auto work = [&job, &recipient, found] { return deliver_one(job, recipient, found); };
        delivery::RecipientResult result = co_await pool.run(std::move(work));
        job.finish(recipient, std::move(result));
    }
}

}  // namespace

int main(int argc, char** argv) {
    virtual_delivery::Params params;
    worker::Program program(argc, argv, "virtual", params);
    Services services(params, program.main_cf());
    event::ThreadPool pool(program.loop(), kThreads);
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::none);
    delivery::Deliver handler = [&](delivery::Job& job) { return deliver(job, pool, services); };
    return jail.serve([&](event::Stream client, worker::Client& seat) {
        return delivery::serve_requests(std::move(client), seat, jail.loop(), handler);
    });
}
