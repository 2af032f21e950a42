#include "imapd/sieve/delivery/pending.h"

#include <algorithm>

#include "imapd/account/open_mailbox.h"
#include "imapd/sieve/scripts/flag_names.h"
#include "lib/log/log.h"
#include "lib/sieve/program.h"

namespace sieve_delivery {
namespace {

store::Delivery::Options options_of(const std::vector<std::string>& names) {
    scripts::FlagSet set = scripts::flag_set(names);
    store::Delivery::Options options;
    options.flags = set.flags;
    options.keywords = std::move(set.keywords);
    return options;
}

}  // namespace

std::string Pending::add(
    const std::string& mailbox, std::string_view octets, const std::vector<std::string>& flags, bool create) {
    if (trouble_)
        return "";
    const std::uint64_t hash = sieve::content_hash(octets);
    for (Copy& copy : copies_) {
        if (copy.mailbox != mailbox || copy.hash != hash)
            continue;
        const store::Delivery::Options more = options_of(flags);
        copy.options.flags |= more.flags;
        for (const std::string& keyword : more.keywords)
            if (std::find(copy.options.keywords.begin(), copy.options.keywords.end(), keyword) ==
                copy.options.keywords.end())
                copy.options.keywords.push_back(keyword);
        return "";
    }
    auto opened = account::open_mailbox(account_, mailbox, create ? account::IfMissing::make : account::IfMissing::fail);
    if (!opened && opened.error().there_is_none && mailbox != "INBOX")
        return opened.error().text;
    if (!opened) {
        trouble_ = opened.error();
        return "";
    }
    Copy copy;
    copy.mailbox = mailbox;
    copy.hash = hash;
    copy.options = options_of(flags);
    copy.open = std::move(*opened);
    auto delivery = copy.open->deliver();
    if (!delivery) {
        trouble_ = delivery.error();
        return "";
    }
    copy.delivery = std::move(*delivery);
    if (auto written = copy.delivery->write(octets); !written) {
        trouble_ = written.error();
        return "";
    }
    copies_.push_back(std::move(copy));
    return "";
}

void Pending::take_back() {
    for (std::size_t i = 0; i < stored_.size(); ++i) {
        store::Mailbox& mailbox = *copies_[i].open;
        auto removed = mailbox.refresh();
        if (removed)
            removed = mailbox.expunge({stored_[i].uid});
        if (!removed)
            logging::warning(
                "{}: uid {} could not be taken back: {}", stored_[i].mailbox, stored_[i].uid, removed.error().text);
    }
    stored_.clear();
}

std::optional<store::Failure> Pending::commit() {
    for (Copy& copy : copies_) {
        if (trouble_)
            break;
        auto delivered = copy.delivery->commit(copy.options);
        if (!delivered)
            trouble_ = delivered.error();
        else
            stored_.push_back({copy.mailbox, delivered->uid});
    }
    if (trouble_)
        take_back();
    return trouble_;
}

}  // namespace sieve_delivery
