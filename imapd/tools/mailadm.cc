// mailadm(8) - the users of the mailbox side.
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>

#include "imapd/auth/password.h"
#include "imapd/tools/mailbox_map.h"
#include "imapd/tools/params.h"
#include "imapd/tools/sieve_admin.h"
#include "imapd/tools/user_file.h"
#include "lib/command/command.h"
#include "lib/text/text.h"

namespace {

constexpr const char* kUsage =
    "usage: mailadm [-c config_dir] user add [-s scheme] [-u uid] [-g gid] [-h home] NAME[@DOMAIN]\n"
    "       mailadm [-c config_dir] user passwd [-s scheme] NAME[@DOMAIN]\n"
    "       mailadm [-c config_dir] user delete NAME[@DOMAIN]\n"
    "       mailadm [-c config_dir] user list\n"
    "A password is asked for at the terminal, or taken from the first line of the standard input.";

// As in sysexits.h, for scripts.
constexpr int kUsageError = 64;
constexpr int kNoUser = 67;
constexpr int kCannot = 73;

// Turns the terminal's echo off while it lives.
class NoEcho {
  public:
    NoEcho() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0)
            return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        active_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    ~NoEcho() {
        if (active_)
            ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }

  private:
    termios before_{};
    bool active_ = false;
};

std::string read_line(const char* prompt) {
    std::string line;
    if (::isatty(STDIN_FILENO) == 0) {
        std::getline(std::cin, line);
        return line;
    }
    NoEcho no_echo;
    fmt::print(stderr, "{}", prompt);
    std::getline(std::cin, line);
    fmt::print(stderr, "\n");
    return line;
}

std::string ask_password() {
    std::string password = read_line("New password: ");
    if (password.ends_with('\r'))
        password.pop_back();
    if (password.empty())
        command::fatal("an empty password lets nobody in; nothing was changed", kUsageError);
    if (password.size() > 1024)
        command::fatal("the password is too long, the most is 1024 octets", kUsageError);
    if (::isatty(STDIN_FILENO) != 0 && read_line("Again: ") != password)
        command::fatal("the two passwords differ; nothing was changed", kUsageError);
    return password;
}

struct Options {
    std::string scheme = "SHA512-CRYPT";
    std::string uid, gid, home;
    std::vector<std::string> arguments;
};

Options parse_options(int argc, char** argv, const char* letters) {
    Options options;
    for (int option = 0; (option = ::getopt(argc, argv, letters)) != -1;) {
        switch (option) {
        case 's': options.scheme = optarg; break;
        case 'u': options.uid = optarg; break;
        case 'g': options.gid = optarg; break;
        case 'h': options.home = optarg; break;
        default: command::fatal(kUsage, kUsageError);
        }
    }
    options.arguments.assign(argv + optind, argv + argc);
    return options;
}

// The full name: in lower case, with the default domain.
std::string complete_name(const mailadm::Params& params, const std::string& given) {
    std::string name = text::lower(given);
    if (name.find('@') == std::string::npos && !params.default_domain().empty())
        name += "@" + text::lower(params.default_domain());
    std::size_t at = name.rfind('@');
    std::string_view local = std::string_view(name).substr(0, at);
    bool bad = local.empty() || (at != std::string::npos && at + 1 == name.size()) || name.size() > 255 ||
               local.front() == '.' || local.front() == '-' || name.find('/') != std::string::npos ||
               name.find("..") != std::string::npos;
    for (char c : name)
        bad = bad || static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == ':' ||
              (!params.username_chars().empty() && params.username_chars().find(c) == std::string::npos);
    if (bad)
        command::fatal(
            fmt::format("\"{}\" cannot be a user name (see auth_username_chars)", text::printable(given)), kUsageError);
    return name;
}

// The name in the file: as given, or with the default domain.
std::string existing_name(const mailadm::UserFile& file, const mailadm::Params& params, const std::string& given) {
    std::string lowered = text::lower(given);
    if (file.find(lowered) != nullptr)
        return lowered;
    std::string completed = lowered + "@" + text::lower(params.default_domain());
    if (file.find(completed) != nullptr)
        return completed;
    command::fatal(fmt::format("there is no user {} in {}", text::printable(given), params.passwd_file()), kNoUser);
}

template <class T>
T require(std::expected<T, std::string> result) {
    if (!result)
        command::fatal(result.error(), kCannot);
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

// A uid that neither another mail user nor a user of this host has.
std::string free_uid(const mailadm::UserFile& file, const mailadm::Params& params) {
    for (unsigned uid = static_cast<unsigned>(params.first_uid()); uid < 0x7fffffff; ++uid) {
        std::string text = std::to_string(uid);
        bool taken = ::getpwuid(uid) != nullptr ||
                     std::ranges::any_of(file.users(), [&](const auth::UserEntry& user) { return user.uid == text; });
        if (!taken)
            return text;
    }
    command::fatal("no uid is free", kCannot);
}

// Makes the home directory of a user, for that user alone. Everything above it must be there.
void make_home(const auth::UserEntry& user) {
    if (user.home.empty())
        return;
    if (::mkdir(user.home.c_str(), 0700) != 0 && errno != EEXIST)
        command::fatal(fmt::format("make {}: {}", user.home, std::strerror(errno)), kCannot);
    auto uid = text::parse_number(user.uid);
    auto gid = text::parse_number(user.gid);
    if (::geteuid() != 0 || !uid || !gid)
        return;
    // Only a folder that root made and nobody has used yet is given away.
    struct stat status {};
    if (::lstat(user.home.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        command::fatal(fmt::format("{} is not a folder", user.home), kCannot);
    if (status.st_uid == 0 && ::lchown(user.home.c_str(), static_cast<uid_t>(*uid), static_cast<gid_t>(*gid)) != 0)
        command::fatal(fmt::format("give {} to its user: {}", user.home, std::strerror(errno)), kCannot);
}

// auth, which alone reads the passwords, runs as the mail owner: a file that root has just made must be its own.
void give_to_auth(const mailadm::Params& params) {
    passwd* owner = ::geteuid() == 0 ? ::getpwnam(params.secrets_owner().c_str()) : nullptr;
    if (owner != nullptr && ::lchown(params.passwd_file().c_str(), owner->pw_uid, owner->pw_gid) != 0)
        command::fatal(
            fmt::format("give {} to {}: {}", params.passwd_file(), params.secrets_owner(), std::strerror(errno)), kCannot);
}

int add_user(const mailadm::Params& params, const Options& options) {
    if (options.arguments.size() != 1)
        command::fatal(kUsage, kUsageError);
    auth::UserEntry user;
    user.name = complete_name(params, options.arguments[0]);
    bool is_new = ::access(params.passwd_file().c_str(), F_OK) != 0;
    mailadm::UserFile file = require(mailadm::UserFile::open(params.passwd_file(), true));
    if (is_new)
        give_to_auth(params);
    if (file.find(user.name) != nullptr)
        command::fatal(fmt::format("user {} is there already", user.name), kUsageError);
    std::string password = ask_password();
    user.password = require(auth::make_password(options.scheme, password));
    OPENSSL_cleanse(password.data(), password.size());
    bool one_user = ::geteuid() != 0;
    user.uid = !options.uid.empty()            ? options.uid
               : !params.default_uid().empty() ? ""
               : one_user                      ? std::to_string(::geteuid())
                                               : free_uid(file, params);
    user.gid = !options.gid.empty()            ? options.gid
               : !params.default_gid().empty() ? ""
               : one_user                      ? std::to_string(::getegid())
                                               : user.uid;
    user.home = !options.home.empty() ? options.home : auth::fill_pattern(params.default_home(), user.name);
    if (user.home.find(':') != std::string::npos || user.uid.find(':') != std::string::npos ||
        user.gid.find(':') != std::string::npos)
        command::fatal("a passwd-file cannot hold a colon in uid, gid or home", kUsageError);
    make_home(user);
    file.add(user);
    require(file.save());
    require(mailadm::add_to_map(params.mailbox_map(), user.name));
    return 0;
}

int change_password(const mailadm::Params& params, const Options& options) {
    if (options.arguments.size() != 1)
        command::fatal(kUsage, kUsageError);
    mailadm::UserFile file = require(mailadm::UserFile::open(params.passwd_file(), false));
    std::string name = existing_name(file, params, options.arguments[0]);
    std::string password = ask_password();
    file.set_password(name, require(auth::make_password(options.scheme, password)));
    OPENSSL_cleanse(password.data(), password.size());
    require(file.save());
    return 0;
}

int delete_user(const mailadm::Params& params, const Options& options) {
    if (options.arguments.size() != 1)
        command::fatal(kUsage, kUsageError);
    mailadm::UserFile file = require(mailadm::UserFile::open(params.passwd_file(), false));
    std::string name = existing_name(file, params, options.arguments[0]);
    std::string home = file.find(name)->home;
    // First nobody may send to the address any more, then nobody may log in.
    require(mailadm::remove_from_map(params.mailbox_map(), name));
    file.remove(name);
    require(file.save());
    if (!home.empty())
        fmt::print("{} is gone; the mail stays in {}\n", name, home);
    return 0;
}

// sieve SUBCOMMAND -u USER ...
int administer_sieve(config::MainCf& cf, const mailadm::Params& params, const std::vector<std::string>& words) {
    std::vector<std::string> rest;
    std::string user;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "-u" && i + 1 < words.size())
            user = words[++i];
        else
            rest.push_back(words[i]);
    }
    if (user.empty() || rest.empty())
        command::fatal(fmt::format("usage:\n{}", mailadm::kSieveUsage), kUsageError);
    auth::PasswdFile file = require(auth::PasswdFile::load(params.passwd_file()));
    const std::string lowered = text::lower(user);
    const auth::UserEntry* found = file.find(lowered);
    if (found == nullptr)
        found = file.find(lowered + "@" + text::lower(params.default_domain()));
    if (found == nullptr)
        command::fatal(fmt::format("there is no user {} in {}", text::printable(user), params.passwd_file()), kNoUser);
    auth::UserEntry entry = *found;
    if (entry.uid.empty())
        entry.uid = params.default_uid();
    if (entry.gid.empty())
        entry.gid = params.default_gid();
    if (entry.home.empty())
        entry.home = auth::fill_pattern(params.default_home(), entry.name);
    return mailadm::run_sieve_command(cf, entry, rest);
}

std::string what_is_missing(std::string_view area, bool is_known) {
    if (area.empty())
        return "which command?";
    return is_known ? fmt::format("{} what?", area) : fmt::format("there is no command \"{}\"", text::printable(area));
}

int list_users(const mailadm::Params& params, const Options& options) {
    if (!options.arguments.empty())
        command::fatal(kUsage, kUsageError);
    auth::PasswdFile file = require(auth::PasswdFile::load(params.passwd_file()));
    for (const std::string& problem : file.problems())
        command::warn(problem);
    for (const auth::UserEntry& user : file.users())
        fmt::print("{}\n", user.name);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    command::begin(argc, argv, fmt::format("{}\n{}", kUsage, mailadm::kSieveUsage), command::Asked::last_word_too);
    ::umask(077);
    std::string directory = config::default_directory();
    for (int option = 0; (option = ::getopt(argc, argv, "+c:")) != -1;) {
        if (option != 'c')
            command::fatal(kUsage, kUsageError);
        directory = optarg;
    }
    const std::string_view area = optind < argc ? argv[optind] : "";
    const bool is_known = area == "user" || area == "sieve";
    if (!is_known || argc - optind < 2)
        command::fatal(
            fmt::format("{}\n{}\n{}", what_is_missing(area, is_known), kUsage, mailadm::kSieveUsage), kUsageError);
    mailadm::Params params;
    config::MainCf cf = command::load_main_cf(directory, true);
    for (const config::Problem& problem : params.load(cf))
        command::fatal(config::format_problem(problem));

    if (area == "sieve")
        return administer_sieve(cf, params, {argv + optind + 1, argv + argc});
    std::string_view action = argv[optind + 1];
    argc -= optind + 1;
    argv += optind + 1;
    optind = 1;
    if (action == "add")
        return add_user(params, parse_options(argc, argv, "s:u:g:h:"));
    if (action == "passwd")
        return change_password(params, parse_options(argc, argv, "s:"));
    if (action == "delete")
        return delete_user(params, parse_options(argc, argv, ""));
    if (action == "list")
        return list_users(params, parse_options(argc, argv, ""));
    command::fatal(fmt::format("there is no command \"user {}\"\n{}", text::printable(action), kUsage), kUsageError);
}
