#include "imapd/account/open_mailbox.h"

#include "lib/log/log.h"

namespace account {
namespace {

using Kind = store::Failure::Kind;

OpenFailure as_open_failure(store::Failure failure) {
    const bool there_is_none = failure.kind == Kind::not_found || failure.kind == Kind::bad_name;
    return {std::move(failure), there_is_none};
}

}  // namespace

std::expected<std::unique_ptr<store::Mailbox>, OpenFailure> open_mailbox(
    store::Account& account, const std::string& name, IfMissing if_missing) {
    auto opened = account.open(name);
    if (!opened && opened.error().kind == Kind::not_found && if_missing == IfMissing::make) {
        if (auto made = account.create(name); !made && made.error().kind != Kind::exists)
            return std::unexpected(OpenFailure{std::move(made.error()), true});
        if (auto subscribed = account.subscribe(name, true); !subscribed)
            logging::warning("{}", subscribed.error().text);
        opened = account.open(name);
    }
    if (!opened)
        return std::unexpected(as_open_failure(std::move(opened.error())));
    return std::move(*opened);
}

}  // namespace account
