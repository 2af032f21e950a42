#include "lib/worker/peers.h"

#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "lib/log/log.h"
#include "lib/text/text.h"

namespace worker {

const ProgramRow* find_program(std::string_view name) {
    for (const ProgramRow& row : kPrograms)
        if (row.name == name)
            return &row;
    return nullptr;
}

bool may_ask(std::string_view program, const ProgramRow& asked) {
    for (std::string_view name : text::split(asked.asked_by, " "))
        if (name == program)
            return true;
    return false;
}

const config::Param<std::string>& owner_of(const config::HostParams& params, Identity identity) {
    switch (identity) {
    case Identity::network: return params.network_owner;
    case Identity::secrets: return params.secrets_owner;
    default: return params.mail_owner;
    }
}

std::expected<Owner, std::string> find_owner(const config::HostParams& params, Identity identity) {
    if (identity == Identity::root)
        return Owner{};
    const config::Param<std::string>& parameter = owner_of(params, identity);
    const passwd* user = ::getpwnam(parameter().c_str());
    if (user == nullptr)
        return std::unexpected(fmt::format(
            "{}: there is no user {}; make it with: useradd --system {}", parameter.name(), parameter(), parameter()));
    if (user->pw_uid == 0)
        return std::unexpected(fmt::format("{}: {} is root", parameter.name(), parameter()));
    return Owner{user->pw_uid, user->pw_gid};
}

namespace {

std::expected<void, std::string> add_users(
    std::vector<uid_t>& users, std::string_view asked_by, const config::HostParams& params) {
    for (std::string_view name : text::split(asked_by, " ")) {
        const ProgramRow* row = find_program(name);
        auto owner = find_owner(params, row == nullptr ? Identity::queue : row->identity);
        if (!owner)
            return std::unexpected(owner.error());
        users.push_back(owner->user);
    }
    for (const std::string& name : params.authorized_peer_users()) {
        const passwd* user = ::getpwnam(name.c_str());
        if (user == nullptr)
            return std::unexpected("authorized_peer_users: there is no user " + name);
        users.push_back(user->pw_uid);
    }
    return {};
}

}  // namespace

std::expected<Peers, std::string> Peers::of(std::string_view program, const config::HostParams& params) {
    Peers peers;
    const ProgramRow* row = find_program(program);
    const std::string_view asked_by = row == nullptr ? std::string_view("qmgr") : row->asked_by;
    peers.anybody_ = ::geteuid() != 0 || asked_by == "*";
    if (peers.anybody_)
        return peers;
    peers.users_.push_back(0);
    if (auto added = add_users(peers.users_, asked_by, params); !added)
        return std::unexpected(added.error());
    return peers;
}

bool Peers::allow(uid_t user) const { return anybody_ || std::ranges::find(users_, user) != users_.end(); }

bool Peers::let_in(int descriptor, std::string_view socket) const {
    if (anybody_)
        return true;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    if (allow(peer.uid))
        return true;
    logging::warning("{}: a client with uid {}, pid {}, may not ask here and is refused", socket, peer.uid, peer.pid);
    return false;
}

}  // namespace worker
