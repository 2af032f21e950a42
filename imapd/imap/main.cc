// NAME
//     imapd - IMAP sessions
// SYNOPSIS
//     imapd [generic master options]
// DESCRIPTION
//     Takes authenticated connections from login(8), asks auth(8) who the user is, and forks a session process
//     for each. A session speaks IMAP4rev1 with IDLE, UIDPLUS, MOVE, NAMESPACE, ID, UNSELECT, LITERAL+, CHILDREN, ENABLE,
//     STATUS=SIZE and SPECIAL-USE, on the user's Maildir. After APPEND, COPY, MOVE and STORE it runs the scripts that
//     imap_sieve_scripts names for the mailbox.
// SECURITY
//     The spawner keeps root, so that a session can become any user, and reads nothing that comes from a network.
//     A session runs with the user's uid and gid alone, cannot start programs, and ends with the spawner.
//     For master.cf: private, not unprivileged, not chrooted, one process.
// STANDARDS
//     RFC 3501, 2177, 2342, 2971, 3348, 3691, 4315, 5161, 6154, 6785, 6851, 7888, 8438
// DIAGNOSTICS
//     A session logs its login and logout; trouble with a mailbox is a warning that names the file.
#include <fmt/format.h>

#include "imapd/imap/params.h"
#include "imapd/imap/session.h"
#include "imapd/sessions/spawner.h"
#include "imapd/sieve/events/mailbox_scripts.h"
#include "lib/log/log.h"
#include "lib/worker/program.h"

namespace imapd {
namespace {

SessionSettings session_settings(const Params& params) {
    SessionSettings settings;
    settings.max_command = static_cast<std::size_t>(params.max_command());
    settings.max_message = static_cast<std::uint64_t>(params.max_message());
    settings.idle_notify_interval = params.idle_notify_interval();
    settings.idle_poll_interval = params.idle_poll_interval();
    settings.special_use = params.special_uses();
    return settings;
}

sessions::Spawner::Settings spawner_settings(const Params& params) {
    sessions::Spawner::Settings settings;
    settings.process_limit = static_cast<std::size_t>(params.process_limit());
    settings.spare_process_limit = static_cast<std::size_t>(params.spare_process_limit());
    settings.spare_process_time = params.spare_process_time();
    settings.process_limit_name = params.process_limit.name();
    settings.auth_master = params.auth_master();
    settings.mail_location = params.mail_location();
    settings.first_valid_uid = params.first_valid_uid();
    return settings;
}

void refuse(sessions::Wire& wire, const std::string& tag) {
    try {
        wire.write(
            fmt::format("{} NO [UNAVAILABLE] Your mail cannot be opened now, try again later\r\n"
                        "* BYE Disconnected\r\n",
                tag));
        wire.flush();
    } catch (const sessions::Disconnected&) {
        // It does not want to hear it.
    }
}

// The user's clients, one after the other, on one open account.
void serve_user(
    sessions::SessionProcess& process, const Params& params, const imapsieve::Rules& rules, SessionSettings& settings) {
    settings.user = process.user().name;
    auto account = store::open_account({process.mail(), params.hierarchy_separator().front()});
    std::optional<imapsieve::MailboxScripts> listener;
    if (account && !rules.empty()) {
        listener.emplace(rules, params, account::Owner{process.user().name, process.user().home}, process.mail(), *account);
        settings.events = &*listener;
    }
    do {
        const ipc::records::ImapHandover& handover = process.handover();
        sessions::Wire wire(process.take_client(), handover.input, params.autologout(), params.write_timeout());
        if (!account) {
            logging::error("{}: {}", settings.user, account.error().text);
            return refuse(wire, handover.tag);
        }
        logging::info("login: user=<{}>, rip={}, lip={}{}", settings.user, handover.remote_address, handover.local_address,
            handover.tls ? ", TLS" : "");
        Session session(wire, *account, settings);
        session.run(handover.tag);
        logging::info("logout: user=<{}> in={} out={}", settings.user, wire.octets_in(), wire.octets_out());
    } while (process.next());
}

}  // namespace
}  // namespace imapd

int main(int argc, char** argv) {
    imapd::Params params;
    worker::Program program(argc, argv, "imapd", params);
    auto filter = worker::SeccompFilter::compile(worker::Sandbox::confined);
    if (!filter)
        logging::fatal("sandbox: {}", filter.error());
    imapd::SessionSettings settings = imapd::session_settings(params);
    auto rules = imapsieve::parse_rules(params.sieve_scripts());
    if (!rules)
        logging::fatal("parameter {}: {}", params.sieve_scripts.name(), rules.error());

    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::none);
    auto serve = [&](sessions::SessionProcess& process) { imapd::serve_user(process, params, *rules, settings); };
    sessions::Spawner spawner(imapd::spawner_settings(params), jail, std::move(*filter), serve);
    return jail.serve(
        [&](event::Stream stream, worker::Client& seat) { return spawner.serve_login(std::move(stream), seat); });
}
