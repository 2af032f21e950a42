#include "imapd/sieve/scripts/mail_host.h"

#include <algorithm>
#include <ctime>

#include "lib/imap/mailbox_name.h"
#include "lib/store/storage.h"
#include "lib/text/text.h"

namespace scripts {

MailHost::MailHost(HostFacts facts, store::Account& account, const Memory* memory)
    : facts_(std::move(facts)), account_(account), memory_(memory) {}

std::optional<std::string> MailHost::environment(std::string_view item) const {
    if (item == "domain")
        return facts_.hostname.find('.') == std::string::npos ? "" : facts_.hostname.substr(facts_.hostname.find('.') + 1);
    if (item == "host")
        return facts_.hostname;
    if (item == "location")
        return "MDA";
    if (item == "phase")
        return "during";
    if (item == "name")
        return "Malleposte";
    if (item == "version")
        return facts_.version;
    if (item == "vnd.dovecot.username")
        return facts_.user;
    return std::nullopt;
}

const std::vector<std::string>& MailHost::mailboxes() {
    if (!mailboxes_) {
        auto listed = account_.list();
        if (!listed)
            throw sieve::HostFailure(listed.error().text);
        mailboxes_ = std::move(*listed);
    }
    return *mailboxes_;
}

bool MailHost::mailbox_exists(std::string_view mailbox) {
    const std::string name = imap::encode_utf7(mailbox);
    const std::vector<std::string>& all = mailboxes();
    return text::equal_ignoring_case(name, "INBOX") || std::find(all.begin(), all.end(), name) != all.end();
}

bool MailHost::special_use_exists(std::optional<std::string_view> mailbox, std::span<const std::string> uses) {
    return std::all_of(uses.begin(), uses.end(), [&](const std::string& use) {
        return std::any_of(facts_.special_uses.begin(), facts_.special_uses.end(), [&](const auto& known) {
            return text::equal_ignoring_case(known.second, use) &&
                   (!mailbox || known.first == imap::encode_utf7(*mailbox)) &&
                   std::find(mailboxes().begin(), mailboxes().end(), known.first) != mailboxes().end();
        });
    });
}

std::optional<std::string> MailHost::mailbox_with(std::string_view use) {
    for (const auto& [name, attribute] : facts_.special_uses)
        if (text::equal_ignoring_case(attribute, use) &&
            std::find(mailboxes().begin(), mailboxes().end(), name) != mailboxes().end())
            return name;
    return std::nullopt;
}

bool MailHost::seen_recently(std::string_view id) {
    if (memory_ == nullptr)
        throw sieve::HostFailure("the memory of the scripts cannot be read");
    auto known = memory_->find(duplicate_key(id), now());
    if (!known)
        throw sieve::HostFailure(known.error());
    return known->has_value();
}

std::int64_t MailHost::now() const { return std::time(nullptr); }

int MailHost::zone_minutes() const {
    const std::time_t when = std::time(nullptr);
    std::tm local{};
    localtime_r(&when, &local);
    return static_cast<int>(local.tm_gmtoff / 60);
}

std::string memory_path(const account::Owner& owner, const std::string& mail) {
    return (owner.home.empty() ? store::directory_beside(mail) : owner.home) + "/.malleposte.sieve";
}

std::string duplicate_key(std::string_view id) { return "duplicate " + std::string(id); }
std::string vacation_key(std::string_view key) { return "vacation " + std::string(key); }
std::string redirect_key(std::string_view message_id, std::string_view address) {
    return "redirect " + std::string(address) + " " + std::string(message_id);
}

}  // namespace scripts
