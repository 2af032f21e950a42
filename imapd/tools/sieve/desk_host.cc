#include "imapd/tools/sieve/desk_host.h"

#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>
#include <sstream>

#include "lib/text/text.h"

namespace sievec {
namespace {

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace

std::optional<std::string> read_file(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error))
        return std::nullopt;
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return in ? std::optional(out.str()) : std::nullopt;
}

std::optional<std::string> DirectoryLoader::load(sieve::ScriptLocation location, std::string_view name) {
    const std::filesystem::path& folder = location == sieve::ScriptLocation::personal ? personal_ : global_;
    return read_file(folder / (std::string(name) + ".sieve"));
}

std::optional<std::string> DeskHost::environment(std::string_view item) const {
    if (item == "name")
        return "Malleposte";
    if (item == "version")
        return "1";
    if (item == "host")
        return host_name();
    if (item == "domain") {
        std::string host = host_name();
        std::size_t dot = host.find('.');
        return dot == std::string::npos ? host : host.substr(dot + 1);
    }
    if (item == "location")  // RFC 5183, 4.1
        return "MDA";
    if (item == "phase")
        return "during";
    if (item == "vnd.dovecot.default_mailbox" || item == "vnd.dovecot.default-mailbox")
        return "INBOX";
    if (item == "tst.path" && !test_folder.empty())
        return test_folder;
    if (item == "vnd.dovecot.username")
        return envelope_.to.empty() ? "user" : envelope_.to;
    return std::nullopt;
}

std::optional<std::string> DeskHost::metadata(std::optional<std::string_view> mailbox, std::string_view annotation) {
    auto found = annotations.find({mailbox ? canonical(*mailbox) : "", text::lower(annotation)});
    return found == annotations.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t DeskHost::now() const { return std::time(nullptr); }

int DeskHost::zone_minutes() const {
    std::time_t seconds = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return static_cast<int>(local.tm_gmtoff / 60);
}

std::string DeskHost::canonical(std::string_view mailbox) {
    constexpr std::string_view kInbox = "INBOX";
    bool inbox = text::starts_with_ignoring_case(mailbox, kInbox) &&
                 (mailbox.size() == kInbox.size() || mailbox[kInbox.size()] == '.' || mailbox[kInbox.size()] == '/');
    return inbox ? std::string(kInbox) + std::string(mailbox.substr(kInbox.size())) : std::string(mailbox);
}

}  // namespace sievec
