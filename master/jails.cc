#include "master/jails.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "lib/log/log.h"
#include "lib/worker/peers.h"

namespace master {
namespace {

namespace fs = std::filesystem;

// What libc reads to look up names, and to show times.
constexpr const char* kFiles[] = {"hosts", "resolv.conf", "nsswitch.conf", "host.conf", "gai.conf", "services"};
constexpr const char* kFolders[] = {"private", "public"};

std::string jail_of(const worker::ProgramRow& program) { return fmt::format("{}/{}", worker::kJails, program.name); }

bool is_socket(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

bool is_same(const std::string& left, const std::string& right) {
    struct stat one {
    }, other{};
    return ::lstat(left.c_str(), &one) == 0 && ::lstat(right.c_str(), &other) == 0 && one.st_ino == other.st_ino &&
           one.st_dev == other.st_dev;
}

void link_socket(const std::string& jail, const std::string& name) {
    const std::string place = jail + "/" + name, fresh = place + ".new";
    if (!is_socket(name) || is_same(name, place))
        return;
    ::unlink(fresh.c_str());
    if (::link(name.c_str(), fresh.c_str()) != 0 || ::rename(fresh.c_str(), place.c_str()) != 0)
        logging::warning("{}: cannot put the socket {} there: {}", jail, name, std::strerror(errno));
}

void copy_file(const std::string& jail, const char* name) {
    const std::string from = std::string("/etc/") + name, to = jail + "/etc/" + name;
    std::error_code error;
    fs::copy_file(from, to, fs::copy_options::update_existing, error);
    if (!error)
        ::chmod(to.c_str(), 0644);
    else if (fs::exists(from))
        logging::warning("{}: cannot copy {}: {}", jail, from, error.message());
}

std::expected<void, std::string> make_folder(const std::string& path, mode_t mode, gid_t group) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        return std::unexpected("cannot make " + path + ": " + std::strerror(errno));
    if (::lchown(path.c_str(), 0, group) != 0 || ::chmod(path.c_str(), mode) != 0)
        return std::unexpected("cannot give " + path + " its owner and mode: " + std::strerror(errno));
    return {};
}

std::string socket_name(const config::Service& row) { return (row.is_private ? "private/" : "public/") + row.name; }

// The sockets of our own services, and of those the ones that `program` may ask.
struct Sockets {
    std::set<std::string> own, allowed;
};

Sockets sockets_for(std::string_view program, const std::vector<config::Service>& rows) {
    Sockets sockets{{"private/auth-master", "private/master"}, {}};
    for (const config::Service& row : rows) {
        if (row.type == config::ServiceType::inet)
            continue;
        sockets.own.insert(socket_name(row));
        const worker::ProgramRow* asked = worker::find_program(row.command);
        if (asked != nullptr && worker::may_ask(program, *asked))
            sockets.allowed.insert(socket_name(row));
    }
    return sockets;
}

void add_foreign(Sockets& sockets) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("private", error))
        if (const std::string name = entry.path().string(); !sockets.own.contains(name) && is_socket(name))
            sockets.allowed.insert(name);
}

void remove_unwanted(const std::string& jail, const Sockets& sockets) {
    for (const char* folder : kFolders) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator(jail + "/" + folder, error))
            if (!sockets.allowed.contains(std::string(folder) + "/" + entry.path().filename().string()))
                fs::remove(entry.path(), error);
    }
}

void put_sockets(const worker::ProgramRow& program, const std::vector<config::Service>& rows) {
    const std::string jail = jail_of(program);
    Sockets sockets = sockets_for(program.name, rows);
    if (program.identity == worker::Identity::network)
        add_foreign(sockets);
    remove_unwanted(jail, sockets);
    for (const std::string& name : sockets.allowed)
        link_socket(jail, name);
}

std::expected<void, std::string> prepare_jail(
    const worker::ProgramRow& program, const Params& params, const std::vector<config::Service>& rows) {
    auto owner = worker::find_owner(params, program.identity);
    if (!owner)
        return std::unexpected(owner.error());
    const std::string jail = jail_of(program);
    if (auto made = make_folder(jail, 0710, owner->group); !made)
        return made;
    for (const char* folder : {"etc", "private", "public"})
        if (auto made = make_folder(jail + "/" + folder, 0755, 0); !made)
            return made;
    for (const char* file : kFiles)
        copy_file(jail, file);
    put_sockets(program, rows);
    return {};
}

}  // namespace

std::expected<void, std::string> prepare_jails(const Params& params, const std::vector<config::Service>& rows) {
    if (::geteuid() != 0)
        return {};
    if (auto made = make_folder(std::string(worker::kJails), 0755, 0); !made)
        return made;
    for (const worker::ProgramRow& program : worker::kPrograms)
        if (program.jailed)
            if (auto made = prepare_jail(program, params, rows); !made)
                return made;
    return {};
}

void refresh_jails(const std::vector<config::Service>& rows) {
    for (const worker::ProgramRow& program : worker::kPrograms)
        if (program.jailed)
            put_sockets(program, rows);
}

}  // namespace master
