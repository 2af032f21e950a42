#include "imapd/sieve/scripts/compiled.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "lib/event/fd.h"

namespace scripts {
namespace {

constexpr std::size_t kMaxKept = 64 << 20;

std::string kept_path(const std::string& script) {
    const std::size_t slash = script.rfind('/') + 1;
    std::string name = script.substr(slash);
    if (name.ends_with(".sieve"))
        name.resize(name.size() - 6);
    return script.substr(0, slash) + (name.starts_with('.') ? "" : ".") + name + ".mpbin";
}

std::uint64_t hash_or_zero(const std::optional<std::string>& text) { return text ? sieve::content_hash(*text) : 0; }

bool is_current(const sieve::Program& program, const ScriptFile& script, Includes& includes) {
    if (program.source_hash() != sieve::content_hash(script.text))
        return false;
    for (const sieve::Dependency& dependency : program.dependencies()) {
        const std::optional<std::string> text = includes.load(dependency.location, dependency.name);
        if (text.has_value() != dependency.found || (text && hash_or_zero(text) != dependency.hash))
            return false;
    }
    return true;
}

// A copy that got lost in a crash is made again; so no sync.
void keep(const std::string& path, const std::string& bytes) {
    const std::string fresh = fmt::format("{}.{}", path, getpid());
    const event::Fd file{open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file)
        return;
    const bool whole = write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    if (!whole || rename(fresh.c_str(), path.c_str()) != 0)
        unlink(fresh.c_str());
}

sieve::EnvelopeSource envelope_source(const std::string& text) {
    using Kind = sieve::EnvelopeSource::Kind;
    if (text == "sender")
        return {Kind::sender, {}};
    if (text == "recipient")
        return {Kind::recipient, {}};
    if (text == "orig_recipient")
        return {Kind::original_recipient, {}};
    if (text == "user_email")
        return {Kind::user_email, {}};
    if (text == "postmaster")
        return {Kind::postmaster, {}};
    const bool bracketed = text.size() >= 2 && text.front() == '<' && text.back() == '>';
    return {Kind::address, bracketed ? text.substr(1, text.size() - 2) : text};
}

double number_of(const std::string& text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// sieve_user_email for this user; empty: the recipient of the message.
std::string user_email_of(const Params& params, const account::Owner& owner) {
    std::string email;
    const std::size_t at = owner.name.rfind('@');
    const std::string& pattern = params.user_email();
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%' || i + 1 == pattern.size()) {
            email += pattern[i];
            continue;
        }
        const char what = pattern[++i];
        email += what == 'u'   ? owner.name
                 : what == 'n' ? owner.name.substr(0, at)
                 : what == 'd' ? (at == std::string::npos ? "" : owner.name.substr(at + 1))
                               : std::string(1, what);
    }
    return email;
}

}  // namespace

Quota quota_of(const Params& params) {
    Quota quota;
    quota.script_size = static_cast<std::size_t>(params.max_script_size());
    quota.scripts = static_cast<std::size_t>(params.quota_scripts());
    quota.storage = static_cast<std::uint64_t>(params.quota_storage());
    return quota;
}

sieve::Settings settings_of(const Params& params, const account::Owner& owner) {
    sieve::Settings settings;
    settings.limits.script_octets = static_cast<std::size_t>(params.max_script_size());
    settings.limits.actions = static_cast<std::size_t>(params.max_actions());
    settings.limits.redirects = static_cast<std::size_t>(params.max_redirects());
    settings.limits.cpu_time = params.max_cpu_time();
    settings.recipient_delimiter = params.recipient_delimiter();
    settings.user_email = user_email_of(params, owner);
    settings.postmaster = params.postmaster();
    settings.hostname = params.myhostname();
    settings.redirect_from = envelope_source(params.redirect_envelope_from());
    settings.vacation_min = params.vacation_min_period();
    settings.vacation_max = params.vacation_max_period();
    settings.vacation_default = params.vacation_default_period();
    settings.spam.status_header = params.spamtest_header();
    settings.spam.max_value = number_of(params.spamtest_max_value());
    settings.virus.status_header = params.virustest_header();
    settings.virus.max_value = number_of(params.virustest_max_value());
    return settings;
}

std::optional<std::string> Includes::load(sieve::ScriptLocation location, std::string_view name) {
    const std::string& folder = location == sieve::ScriptLocation::global ? global_ : personal_;
    if (folder.empty() || !sieve::is_valid_script_name(name))
        return std::nullopt;
    auto script = load_script(fmt::format("{}/{}.sieve", folder, name), max_);
    return script ? std::optional(std::move(script->text)) : std::nullopt;
}

sieve::Compiled compile_kept(const ScriptFile& script, const sieve::CompileOptions& options, Includes& includes) {
    const std::string path = kept_path(script.path);
    if (auto kept = load_script(path, kMaxKept)) {
        auto program = sieve::Program::decode(kept->text);
        if (program && is_current(**program, script, includes)) {
            sieve::Compiled found;
            found.program = *program;
            return found;
        }
    }
    sieve::CompileOptions own = options;
    own.name = script.name;
    own.loader = &includes;
    sieve::Compiled compiled = sieve::compile(script.text, own);
    if (compiled.ok())
        keep(path, compiled.program->encode());
    return compiled;
}

}  // namespace scripts
