// init: a complete private instance in one directory.
#include <crypt.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>

#include "lib/address/mailbox.h"
#include "lib/dict/lmdb_file.h"
#include "lib/text/text.h"
#include "master/spool.h"
#include "master/tools/malleposte/certificate.h"
#include "master/tools/malleposte/commands.h"
#include "master/tools/malleposte/templates.h"

namespace malleposte {
namespace {

// Numbers that no distribution gives to people, services or containers (systemd: Users, Groups, UIDs and GIDs).
constexpr unsigned kFirstMailboxUser = 70001;
constexpr int kAccountAttempts = 50;
constexpr std::chrono::microseconds kAccountPause{100000};
constexpr int kHighestStandardPort = 14190 - 10000;

struct User {
    std::string name;  // without the domain
    std::string password;
};

struct Plan {
    InstanceFacts facts;
    std::vector<User> users;
};

std::expected<void, std::string> write_file(const std::string& path, const std::string& text, mode_t mode) {
    int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0)
        return std::unexpected("cannot write " + path + ": " + std::strerror(errno));
    bool written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(descriptor);
    if (!written)
        return std::unexpected("cannot write " + path + ": " + std::strerror(errno));
    return {};
}

std::expected<void, std::string> give(const std::string& path, uid_t user, gid_t group) {
    if (::geteuid() == 0 && ::lchown(path.c_str(), user, group) != 0)
        return std::unexpected("cannot give " + path + " to its owner: " + std::strerror(errno));
    return {};
}

std::string hash_password(const std::string& password) {
    char salt[CRYPT_GENSALT_OUTPUT_SIZE];
    if (::crypt_gensalt_rn("$6$", 0, nullptr, 0, salt, sizeof salt) == nullptr)
        return "";
    crypt_data data{};
    const char* hashed = ::crypt_r(password.c_str(), salt, &data);
    return hashed == nullptr || *hashed == '*' ? "" : "{SHA512-CRYPT}" + std::string(hashed);
}

// What may stand in a file name, a passwd-file line and an address alike.
bool is_plain_name(const std::string& name) {
    if (name.empty() || name.size() > 64 || name.front() == '.' || name.front() == '-')
        return false;
    for (char c : name)
        if (!text::is_alnum(c) && std::string_view("._-").find(c) == std::string_view::npos)
            return false;
    return true;
}

std::expected<User, std::string> parse_user(const std::string& argument, const std::string& domain) {
    std::size_t colon = argument.find(':');
    if (colon == std::string::npos || colon + 1 == argument.size())
        return std::unexpected("--user " + argument + ": write NAME:PASSWORD");
    User user{text::lower(argument.substr(0, colon)), argument.substr(colon + 1)};
    if (std::size_t at = user.name.find('@'); at != std::string::npos) {
        if (!domain.empty() && user.name.substr(at + 1) != domain)
            return std::unexpected("--user " + argument + ": the domain of this instance is " + domain);
        user.name.resize(at);
    }
    if (!is_plain_name(user.name))
        return std::unexpected("--user " + argument + ": a name is made of letters, digits, \".\", \"_\" and \"-\"");
    return user;
}

// Runs a command of the system, with its words on our standard error: whether it ended well.
bool run_command(std::vector<const char*> words) {
    words.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::execvp(words[0], const_cast<char**>(words.data()));
        ::_exit(127);
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Several at once on one host get into each other's way for a moment: the password file has one lock.
bool make_account(const std::function<bool()>& exists, const std::vector<const char*>& command) {
    for (int attempt = 0; attempt < kAccountAttempts && !exists(); ++attempt)
        if (!run_command(command) && !exists())
            ::usleep(kAccountPause.count());
    return exists();
}

// The system users of a suite that root starts. They are the defaults of mail_owner and its siblings; none of them is ever
// somebody else's, such as nobody.
std::expected<void, std::string> make_accounts(InstanceFacts& facts) {
    facts.root = ::geteuid() == 0;
    if (!facts.root)
        return {};
    for (const std::string& name : {facts.owner, facts.network_owner, facts.secrets_owner})
        if (!make_account([&] { return ::getpwnam(name.c_str()) != nullptr; },
                {"useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell",
                    "/usr/sbin/nologin", name.c_str()}))
            return std::unexpected(
                "there is no user " + name + ", and it cannot be made: make it with: useradd --system --user-group " + name);
    if (!make_account(
            [&] { return ::getgrnam(facts.group.c_str()) != nullptr; }, {"groupadd", "--system", facts.group.c_str()}))
        return std::unexpected(
            "there is no group " + facts.group + ", and it cannot be made: make it with: groupadd --system " + facts.group);
    return {};
}

std::expected<Plan, std::string> parse_plan(const std::vector<std::string>& arguments) {
    Plan plan;
    std::vector<std::string> users;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        bool has_value = i + 1 < arguments.size();
        if (word.starts_with("--") && !has_value)
            return std::unexpected(word + " needs a value");
        if (word == "--domain") {
            plan.facts.domain = text::lower(arguments[++i]);
        } else if (word == "--user") {
            users.push_back(arguments[++i]);
        } else if (word == "--port-base") {
            auto number = text::parse_number(arguments[++i]);
            if (!number || *number + kHighestStandardPort > 65535)
                return std::unexpected("--port-base " + arguments[i] + ": a number up to 61345, so that every port exists");
            plan.facts.port_base = static_cast<int>(*number);
        } else if (word.starts_with("-") || !plan.facts.directory.empty()) {
            return std::unexpected("unknown argument " + word);
        } else {
            plan.facts.directory = word;
        }
    }
    if (plan.facts.directory.empty())
        return std::unexpected("init needs a directory: malleposte init DIR --domain DOMAIN --user NAME:PASSWORD");
    if (plan.facts.domain.empty())
        return std::unexpected("init needs --domain DOMAIN, the mail domain of the host, such as --domain example.test");
    if (!address::is_valid_domain(plan.facts.domain) || plan.facts.domain.find('.') == std::string::npos)
        return std::unexpected("--domain \"" + plan.facts.domain + "\" is not a mail domain, such as example.test");
    for (const std::string& argument : users) {
        auto user = parse_user(argument, plan.facts.domain);
        if (!user)
            return std::unexpected(user.error());
        plan.users.push_back(std::move(*user));
    }
    std::error_code error;
    plan.facts.directory = std::filesystem::absolute(plan.facts.directory, error).lexically_normal().string();
    if (error)
        return std::unexpected("the directory we are in is gone: " + error.message());
    return plan;
}

std::expected<void, std::string> make_folder(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
        return std::unexpected("cannot make " + path + ": " + std::strerror(errno));
    if (::chmod(path.c_str(), mode) != 0)
        return std::unexpected("cannot set the mode of " + path + ": " + std::strerror(errno));
    return {};
}

std::expected<void, std::string> write_users(const Plan& plan) {
    const std::string& directory = plan.facts.directory;
    std::string users, mailboxes;
    dict::Records records;
    bool root = plan.facts.root;
    unsigned uid = kFirstMailboxUser;
    for (const User& user : plan.users) {
        std::string address = user.name + "@" + plan.facts.domain;
        std::string home = directory + "/mail/" + user.name;
        unsigned owner = root ? uid++ : ::geteuid(), group = root ? owner : ::getegid();
        std::string hash = hash_password(user.password);
        if (hash.empty())
            return std::unexpected("the password of " + user.name + " cannot be hashed");
        users += address + ":" + hash + ":" + std::to_string(owner) + ":" + std::to_string(group) + "::" + home + "::\n";
        mailboxes += address + "\t" + address + "/\n";
        records[address] = address + "/";
        if (auto made = make_folder(home, 0700); !made)
            return made;
        if (auto given = give(home, owner, group); !given)
            return given;
    }
    std::string etc = directory + "/etc/";
    if (auto written = write_file(etc + "users", users, 0600); !written)
        return written;
    if (auto written = write_file(etc + "mailboxes", mailboxes, 0644); !written)
        return written;
    if (auto written = dict::write_lmdb(etc + "mailboxes.lmdb", records, {}); !written)
        return written;
    // auth alone reads the passwords.
    passwd* owner = root ? ::getpwnam(plan.facts.secrets_owner.c_str()) : nullptr;
    return owner == nullptr ? std::expected<void, std::string>() : give(etc + "users", owner->pw_uid, owner->pw_gid);
}

std::expected<void, std::string> write_instance(const Plan& plan) {
    const InstanceFacts& facts = plan.facts;
    const std::string& directory = facts.directory;
    std::error_code error;
    if (std::filesystem::exists(directory + "/etc/main.cf", error))
        return std::unexpected(directory + "/etc/main.cf exists already; init never overwrites an instance");
    if (!error)
        std::filesystem::create_directories(directory, error);
    if (error)
        return std::unexpected(
            "cannot make " + directory + ": " + error.message() + "; name a directory that you may make and write in");
    for (const char* name : {"", "/etc", "/mail", "/log"})
        if (auto made = make_folder(directory + name, 0755); !made)
            return made;
    if (auto written = write_file(directory + "/etc/main.cf", main_cf_text(facts), 0644); !written)
        return written;
    if (auto written = write_file(directory + "/etc/master.cf", master_cf_text(facts), 0644); !written)
        return written;
    if (auto made = make_certificate(
            {"mail." + facts.domain, "localhost"}, directory + "/etc/key.pem", directory + "/etc/cert.pem");
        !made)
        return made;
    if (auto written = write_users(plan); !written)
        return written;
    config::MainCf cf = config::MainCf::load(directory + "/etc");
    master::Params params;
    params.load(cf);
    return master::prepare_spool(params);
}

void describe(const Plan& plan) {
    const InstanceFacts& f = plan.facts;
    auto port = [&](int standard) { return f.port_base + standard; };
    std::printf("made a mail host for %s in %s\n", f.domain.c_str(), f.directory.c_str());
    std::printf("  smtp %d, submission %d, submissions %d, lmtp %d, imap %d, imaps %d, managesieve %d on 127.0.0.1\n",
        port(25), port(587), port(465), port(24), port(143), port(993), port(4190));
    std::printf("  start it with: malleposte -c %s/etc start\n", f.directory.c_str());
}

}  // namespace

int init(const Invocation& call) {
    ::umask(022);
    auto plan = parse_plan(call.arguments);
    if (!plan) {
        fail(plan.error());
        return EX_USAGE;
    }
    if (auto made = make_accounts(plan->facts); !made) {
        fail(made.error());
        return EX_CANTCREAT;
    }
    if (auto written = write_instance(*plan); !written) {
        fail(written.error());
        return EX_CANTCREAT;
    }
    describe(*plan);
    return 0;
}

}  // namespace malleposte
