#include "imapd/auth/database.h"

#include <fmt/format.h>
#include <grp.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pwd.h>
#include <unistd.h>

#include <cstring>

#include "lib/dict/match_list.h"
#include "lib/log/log.h"
#include "lib/text/id.h"
#include "lib/text/text.h"

namespace auth {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxPassword = 1024;
constexpr std::size_t kMaxCached = 10000;
constexpr auto kLook = std::chrono::seconds(1);  // how soon a file that cannot be read is tried again

// An account whose password nobody knows, for users who do not exist: checking against it takes as long.
const std::string& decoy(const PasswdFile& file) {
    static const std::string none =
        "{SHA512-CRYPT}$6$malleposte$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"
        "jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/";
    for (const UserEntry& entry : file.users()) {
        if (!entry.password.empty())
            return entry.password;
    }
    return none;
}

std::optional<std::string> resolve_uid(const std::string& text) {
    if (text::parse_number(text))
        return text::parse_id(text) ? std::optional(text) : std::nullopt;
    passwd* user = ::getpwnam(text.c_str());
    return user == nullptr ? std::nullopt : std::optional(std::to_string(user->pw_uid));
}

std::optional<std::string> resolve_gid(const std::string& text) {
    if (text::parse_number(text))
        return text::parse_id(text) ? std::optional(text) : std::nullopt;
    group* found = ::getgrnam(text.c_str());
    return found == nullptr ? std::nullopt : std::optional(std::to_string(found->gr_gid));
}

}  // namespace

std::size_t Database::DigestHash::operator()(const Digest& digest) const {
    std::size_t value = 0;
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
}

Database::Database(event::Loop& loop, const Params& params)
    : params_(params), one_user_instance_(::geteuid() != 0), pool_(loop, static_cast<unsigned>(params.hash_threads())) {
    if (RAND_bytes(cache_secret_.data(), static_cast<int>(cache_secret_.size())) != 1)
        logging::fatal("no random numbers for the cache of passwords");
}

bool Database::refresh() {
    if (loaded_ && !watched_.changed())
        return true;
    event::Clock::time_point now = event::Clock::now();
    if (now < next_look_)
        return loaded_;
    next_look_ = now + kLook;
    const std::string& path = params_.passwd_file();
    dict::WatchedFile watched(path);
    auto file = watched.is_open() ? PasswdFile::load(path)
                                  : std::unexpected("open " + path + ": " + std::strerror(watched.error()));
    if (!file) {
        // An editor may be about to put the new file in place. The old users go on; a missing file at start does not.
        trouble_ = "auth_passwd_file: " + file.error();
        logging::warning("{}", trouble_);
        return loaded_;
    }
    for (const std::string& problem : file->problems())
        logging::warning("{}", problem);
    file_ = std::move(*file);
    watched_ = std::move(watched);
    right_.clear();
    ++generation_;
    loaded_ = true;
    next_look_ = {};
    return true;
}

std::vector<std::string> Database::problems() {
    refresh();
    return loaded_ ? std::vector<std::string>() : std::vector<std::string>{trouble_};
}

bool Database::name_is_allowed(std::string_view name) const {
    if (name.empty() || name.size() > kMaxName)
        return false;
    const std::string& allowed = params_.username_chars();
    for (char c : name) {
        bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == ':';
        if (control || (!allowed.empty() && allowed.find(c) == std::string::npos))
            return false;
    }
    return true;
}

const UserEntry* Database::find_entry(std::string_view name) const {
    std::string lowered = text::lower(name);
    if (const UserEntry* entry = file_.find(lowered))
        return entry;
    std::string domain = text::lower(params_.default_domain());
    if (domain.empty())
        return nullptr;
    std::size_t at = lowered.rfind('@');
    if (at == std::string::npos)
        return file_.find(lowered + "@" + domain);
    if (std::string_view(lowered).substr(at + 1) == domain)
        return file_.find(lowered.substr(0, at));
    return nullptr;
}

Database::Digest Database::cache_key(const UserEntry& entry, std::string_view password) const {
    // Lengths in front, so that no two triples run together.
    std::string message = fmt::format("{} {} {}", entry.name.size(), entry.password.size(), password.size());
    message += entry.name + entry.password;
    message += password;
    Digest key{};
    unsigned size = 0;
    HMAC(EVP_sha256(), cache_secret_.data(), static_cast<int>(cache_secret_.size()),
        reinterpret_cast<const unsigned char*>(message.data()), message.size(), key.data(), &size);
    OPENSSL_cleanse(message.data(), message.size());
    return key;
}

bool Database::is_cached(const Digest& key) {
    auto found = right_.find(key);
    if (found == right_.end())
        return false;
    if (found->second >= event::Clock::now())
        return true;
    right_.erase(found);
    return false;
}

void Database::remember(const Digest& key) {
    if (params_.cache_ttl().count() == 0)
        return;
    if (right_.size() >= kMaxCached)
        right_.clear();
    right_[key] = event::Clock::now() + params_.cache_ttl();
}

// Whether this user, whose password is right, may log in from there.
event::Task<Verdict> Database::check_extra(const UserEntry& entry, std::string remote_address) const {
    Verdict verdict;
    if (entry.find_extra("nologin") != nullptr) {
        verdict.reason = "login is turned off for this user";
        co_return verdict;
    }
    if (const std::string* nets = entry.find_extra("allow_nets")) {
        auto list = dict::MatchList::open("allow_nets", config::split_list(*nets), dict::ListKind::addresses);
        question::Asker asker(pool_.loop());
        dict::Matched matched = co_await list.matches_client(asker, "", remote_address);
        if (!matched || !*matched) {
            verdict.kind = matched ? Verdict::Kind::wrong : Verdict::Kind::trouble;
            verdict.reason = matched ? "allow_nets does not allow this address" : matched.error().text;
            co_return verdict;
        }
    }
    verdict.kind = Verdict::Kind::right;
    verdict.user = entry.name;
    co_return verdict;
}

event::Task<Verdict> Database::check(std::string name, std::string password, std::string remote_address) {
    Verdict verdict;
    if (!refresh()) {
        verdict.kind = Verdict::Kind::trouble;
        verdict.reason = trouble_;
        co_return verdict;
    }
    const UserEntry* found = name_is_allowed(name) && password.size() <= kMaxPassword ? find_entry(name) : nullptr;
    bool usable = found != nullptr && !found->password.empty();
    // The entry may be gone when the hash is ready: what is needed later is copied.
    UserEntry entry = usable ? *found : UserEntry();
    StoredPassword stored = parse_stored(usable ? entry.password : decoy(file_), params_.default_scheme());
    if (password.size() > kMaxPassword)
        password.resize(kMaxPassword);
    Digest key = cache_key(entry, password);
    Check result = Check::mismatch;
    std::uint64_t generation = generation_;
    if (usable && is_cached(key)) {
        result = Check::match;
    } else if (is_slow(stored)) {
        auto job = [&stored, &password] { return check_password(stored, password); };
        result = co_await pool_.run(std::move(job));
    } else {
        result = check_password(stored, password);
    }
    OPENSSL_cleanse(password.data(), password.size());
    if (!usable) {
        verdict.reason = found == nullptr ? "unknown user" : "no password";
        co_return verdict;
    }
    if (result != Check::match) {
        verdict.reason = result == Check::mismatch ? "password mismatch"
                                                   : fmt::format("the stored password is unusable ({})", stored.scheme);
        co_return verdict;
    }
    if (is_slow(stored) && generation == generation_)
        remember(key);
    co_return co_await check_extra(entry, std::move(remote_address));
}

UserReply Database::find_user(std::string_view name) {
    UserReply reply;
    auto trouble = [&](std::string reason) {
        reply.kind = UserReply::Kind::trouble;
        reply.reason = std::move(reason);
        return reply;
    };
    if (!refresh())
        return trouble(trouble_);
    const UserEntry* entry = name_is_allowed(name) ? find_entry(name) : nullptr;
    if (entry == nullptr)
        return reply;
    // Where everything runs as one user, that user is whom all mailboxes belong to.
    bool one_user = one_user_instance_ && params_.default_uid().empty() && entry->uid.empty();
    const std::string& uid_text = entry->uid.empty() ? params_.default_uid() : entry->uid;
    const std::string& gid_text = entry->gid.empty() ? params_.default_gid() : entry->gid;
    std::optional<std::string> uid = one_user ? std::to_string(::getuid()) : resolve_uid(uid_text);
    std::optional<std::string> gid = one_user && gid_text.empty() ? std::to_string(::getgid()) : resolve_gid(gid_text);
    if (!uid || !gid)
        return trouble(
            fmt::format("user {} has no usable uid and gid: give them in {} or by auth_default_uid and "
                        "auth_default_gid",
                entry->name, params_.passwd_file()));
    reply.kind = UserReply::Kind::found;
    reply.user = entry->name;
    reply.fields.emplace_back("uid", *uid);
    reply.fields.emplace_back("gid", *gid);
    std::string home = entry->home.empty() ? fill_pattern(params_.default_home(), entry->name) : entry->home;
    if (!home.empty())
        reply.fields.emplace_back("home", home);
    for (const auto& [key, value] : entry->extra) {
        if (key.starts_with("userdb_"))
            reply.fields.emplace_back(key.substr(7), value);
    }
    return reply;
}

std::expected<std::vector<std::string>, std::string> Database::list_users() {
    if (!refresh())
        return std::unexpected(trouble_);
    std::vector<std::string> names;
    for (const UserEntry& entry : file_.users())
        names.push_back(entry.name);
    return names;
}

}  // namespace auth
