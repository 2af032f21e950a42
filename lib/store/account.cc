#include "lib/store/account.h"

#include <list>
#include <map>
#include <mutex>

#include "lib/store/delivery.h"
#include "lib/store/storage.h"
#include "lib/store/thrown_failure.h"

namespace store {
namespace {

// Every account of this process, so that no index is ever open twice in it.
struct Registry {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<Account>> accounts;
    std::list<std::shared_ptr<Account>> lately;  // those that deliveries used

    std::shared_ptr<Account> find(const AccountSettings& settings) {
        std::expected<Location, std::string> location = parse_location(settings.location);
        if (!location)
            trouble(Failure::Kind::temporary, location.error());
        std::weak_ptr<Account>& known = accounts[location->text()];
        std::shared_ptr<Account> account = known.lock();
        if (!account) {
            account = location->storage->open(location->path, settings.separator);
            known = account;
            if (accounts.size() > 4 * kOpenAccounts)
                std::erase_if(accounts, [](const auto& entry) { return entry.second.expired(); });
        }
        return account;
    }

    void keep(const std::shared_ptr<Account>& account) {
        if (!lately.empty() && lately.front() == account)
            return;
        lately.remove(account);
        lately.push_front(account);
        if (lately.size() > kOpenAccounts)
            lately.pop_back();
    }
};

Registry& registry() {
    static Registry the;
    return the;
}

}  // namespace

Result<std::shared_ptr<Account>> open_account(const AccountSettings& settings) {
    try {
        std::lock_guard lock(registry().mutex);
        return registry().find(settings);
    } catch (const ThrownFailure& error) {
        return std::unexpected(error.failure);
    }
}

Result<std::unique_ptr<Delivery>> begin_delivery(const AccountSettings& settings, std::string_view mailbox) {
    std::shared_ptr<Account> account;
    try {
        std::lock_guard lock(registry().mutex);
        account = registry().find(settings);
        registry().keep(account);
    } catch (const ThrownFailure& error) {
        return std::unexpected(error.failure);
    }
    Result<std::unique_ptr<Mailbox>> opened = account->open(mailbox);
    if (!opened)
        return std::unexpected(opened.error());
    return (*opened)->deliver();
}

}  // namespace store
