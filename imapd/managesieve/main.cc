// NAME
//     managesieved - users manage their Sieve scripts
// SYNOPSIS
//     managesieved [generic master options]
// DESCRIPTION
//     Takes authenticated connections from login(8) and forks a session process for each, which becomes the user and keeps
//     scripts where sieve-delivery(8) finds them. A script is compiled before it is kept.
// SECURITY
//     As imapd(8): the parent keeps root and reads nothing that comes from a network; a session has the user's rights alone.
//     For master.cf: private, not unprivileged, not chrooted, one process.
// STANDARDS
//     RFC 5804
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "imapd/managesieve/params.h"
#include "imapd/managesieve/session.h"
#include "imapd/sessions/spawner.h"
#include "lib/log/log.h"
#include "lib/sieve/script.h"
#include "lib/worker/program.h"

namespace managesieved {
namespace {

constexpr int kGiveBackMilliseconds = 10000;

sessions::Spawner::Settings spawner_settings(const Params& params) {
    sessions::Spawner::Settings settings;
    settings.process_limit = static_cast<std::size_t>(params.process_limit());
    settings.spare_process_limit = 0;  // sessions are rare
    settings.process_limit_name = params.process_limit.name();
    settings.auth_master = params.auth_master();
    settings.mail_location = params.mail_location();
    settings.first_valid_uid = params.first_valid_uid();
    return settings;
}

Facts facts_of(const Params& params, const account::Places& places, const account::Owner& owner) {
    Facts facts;
    facts.settings = scripts::settings_of(params, owner);
    facts.personal_directory = places.directory;
    facts.global_directory = params.global_directory();
    facts.max_script = static_cast<std::size_t>(params.max_script_size());
    facts.capabilities.implementation = params.mail_name();
    facts.capabilities.sieve = sieve::capabilities();
    facts.capabilities.notify = sieve::notify_methods();
    facts.capabilities.max_redirects = static_cast<std::uint64_t>(params.max_redirects());
    facts.capabilities.owner = owner.name;
    return facts;
}

// login sees the difference between a session that ended and one that gave the connection back: only the latter leaves the
// other direction open until login has looked.
void give_back(int connection) {
    ::shutdown(connection, SHUT_WR);
    pollfd waiting{connection, POLLIN, 0};
    char octet;
    while (::poll(&waiting, 1, kGiveBackMilliseconds) > 0 && ::recv(connection, &octet, 1, 0) > 0) {
    }
}

void serve_user(sessions::SessionProcess& process, const Params& params) {
    const std::string& user = process.user().name;
    const ipc::records::ImapHandover& handover = process.handover();
    event::Fd client = process.take_client();
    const event::Fd same(::dup(client.get()));
    End end = End::left;
    {
        sessions::Wire wire(std::move(client), handover.input, params.timeout(), params.write_timeout());
        const account::Owner owner{user, process.user().home};
        auto places = account::places_of(params, owner);
        if (!places) {
            logging::error("{}: {}", user, places.error());
            wire.write("NO (TRYLATER) \"Your scripts cannot be reached now.\"\r\n");
            wire.flush();
            return;
        }
        const Facts facts = facts_of(params, *places, owner);
        scripts::ScriptStorage storage(places->directory, places->active, scripts::quota_of(params));
        logging::info("login: user=<{}>, rip={}, lip={}{}", user, handover.remote_address, handover.local_address,
            handover.tls ? ", TLS" : "");
        Session session(wire, storage, facts);
        end = session.run();
        logging::info("logout: user=<{}> in={} out={}", user, wire.octets_in(), wire.octets_out());
    }
    if (end == End::unauthenticated)
        give_back(same.get());
}

}  // namespace
}  // namespace managesieved

int main(int argc, char** argv) {
    managesieved::Params params;
    worker::Program program(argc, argv, "managesieved", params);
    auto filter = worker::SeccompFilter::compile(worker::Sandbox::confined);
    if (!filter)
        logging::fatal("sandbox: {}", filter.error());
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::none);
    auto serve = [&](sessions::SessionProcess& process) { managesieved::serve_user(process, params); };
    sessions::Spawner spawner(managesieved::spawner_settings(params), jail, std::move(*filter), serve);
    return jail.serve(
        [&](event::Stream stream, worker::Client& seat) { return spawner.serve_login(std::move(stream), seat); });
}
