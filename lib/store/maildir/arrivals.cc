// Files that nobody has counted yet: which UID is theirs, and that they are new.
#include <algorithm>

#include "lib/store/maildir/name.h"
#include "lib/store/maildir/sync.h"
#include "lib/store/thrown_failure.h"

namespace store {

// The UID that a file had already, by the list or by its own name; 0 if there is no proof.
std::uint32_t Sync::proven_uid(const Arrival& arrival) {
    if (arrival.listed != 0)
        return rebuilding_ || arrival.listed >= state_.uid_next ? arrival.listed : 0;
    MaildirName name = parse_maildir_name(arrival.name);
    if (!name.uid || *name.uid == 0 || *name.uid > kLastUid)
        return 0;
    // A copy made by `cp` carries a number of another mailbox. Ours are below what the list has promised,
    // and, while the index lives, not below what it has given out.
    bool promised = !list_found_ || *name.uid < std::max(list_next_, state_.uid_ceiling);
    bool fresh = rebuilding_ || *name.uid >= state_.uid_next;
    return promised && fresh ? *name.uid : 0;
}

std::vector<Sync::Arrival> Sync::find_arrivals() {
    std::vector<Arrival> arrivals;
    for (const Listing::Entry& entry : listing_.entries()) {
        if (!entry.matched)
            arrivals.push_back({entry.name, entry.in_new, 0, 0});
    }
    if (arrivals.empty())
        return arrivals;
    if (!list_loaded_)
        read_uid_list();
    for (Arrival& arrival : arrivals) {
        auto listed = listed_.find(maildir_base(arrival.name));
        arrival.listed = listed == listed_.end() ? 0 : listed->second;
        arrival.uid = proven_uid(arrival);
    }
    // Proven ones by UID, the list before names where two claim the same.
    std::sort(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) {
        if ((a.uid == 0) != (b.uid == 0))
            return a.uid != 0;
        if (a.uid != b.uid)
            return a.uid < b.uid;
        if ((a.listed == a.uid) != (b.listed == b.uid))
            return a.listed == a.uid;
        return a.name < b.name;
    });
    return arrivals;
}

void Sync::add_arrival(const Arrival& arrival) {
    MaildirName name = parse_maildir_name(arrival.name);
    MailState mail;
    mail.flags = name.flags;
    mail.in_new = arrival.in_new ? 1 : 0;
    mail.size = name.size ? static_cast<std::int64_t>(*name.size) : MailState::kUnknown;
    mail.virtual_size = name.virtual_size ? static_cast<std::int64_t>(*name.virtual_size) : MailState::kUnknown;
    mail.modseq = modseq();
    txn_.put_mail(state_.id, arrival.uid, mail, arrival.name);
    ++state_.messages;
    state_.unseen += (mail.flags & kSeen) ? 0 : 1;
    state_.in_new += mail.in_new;
    state_.uid_next = std::max(state_.uid_next, arrival.uid + 1);
    if (arrival.listed != arrival.uid) {
        list_additions_.emplace_back(arrival.uid, std::string(name.base));
        additions_durable_ = additions_durable_ || !name.uid || *name.uid != arrival.uid;
    }
}

void Sync::add_new_messages() {
    std::vector<Arrival> arrivals = find_arrivals();
    if (arrivals.empty())
        return;
    std::uint32_t previous = 0;
    std::vector<Arrival> later;
    for (const Arrival& arrival : arrivals) {
        if (arrival.uid == 0 || arrival.uid == previous) {
            later.push_back(arrival);
            continue;
        }
        previous = arrival.uid;
        add_arrival(arrival);
    }
    if (rebuilding_)  // what was given out and is gone must not come back
        state_.uid_next = std::max(state_.uid_next, list_next_);
    settle();
    // The others by name, which is by time of delivery.
    std::sort(later.begin(), later.end(), [](const Arrival& a, const Arrival& b) { return a.name < b.name; });
    for (Arrival& arrival : later) {
        if (state_.uid_next > kLastUid)
            trouble(Failure::Kind::temporary, mailbox_.name() + ": all UIDs are used up");
        arrival.uid = state_.uid_next;
        add_arrival(arrival);
    }
    if (rebuilding_)
        find_recent();
    state_.first_unseen_uid = 0;
}

// What lies in new/ nobody has been told of.
void Sync::find_recent() {
    state_.first_recent = state_.uid_next;
    if (state_.in_new == 0)
        return;
    txn_.each_mail(state_.id, 0, [this](std::uint32_t uid, const MailRecord& record) {
        if (record.state.in_new)
            state_.first_recent = uid;
        return !record.state.in_new;
    });
}

// Somebody was killed between giving files their UIDs and saying so: those UIDs are used up.
void Sync::settle() {
    if (state_.unsettled_uid >= state_.uid_next && state_.unsettled_uid <= kLastUid)
        state_.uid_next = state_.unsettled_uid + 1;
    state_.unsettled_uid = 0;
}

}  // namespace store
