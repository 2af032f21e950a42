#include "imapd/sieve/events/event_host.h"

#include "lib/log/log.h"

namespace imapsieve {

scripts::Memory* LazyMemory::get() {
    if (!memory_) {
        auto opened = scripts::Memory::open(path_, scripts::Memory::Durable::yes);
        if (opened)
            memory_ = std::move(*opened);
        else
            logging::warning("{}", opened.error());
    }
    return memory_.get();
}

std::optional<std::string> EventHost::environment(std::string_view item) const {
    if (item == "location")
        return "MS";
    if (item == "phase")
        return "post";
    if (item == "imap.user")
        return facts_.user;
    if (item == "imap.email")
        return event_.email;
    if (item == "imap.cause")
        return event_.cause;
    if (item == "imap.mailbox")
        return event_.mailbox;
    if (item == "imap.changedflags")
        return event_.changed_flags;
    return MailHost::environment(item);
}

bool EventHost::seen_recently(std::string_view id) {
    const scripts::Memory* memory = memory_.get();
    if (memory == nullptr)
        throw sieve::HostFailure("the memory of the scripts cannot be read");
    auto known = memory->find(duplicate_key(id), now());
    if (!known)
        throw sieve::HostFailure(known.error());
    return known->has_value();
}

std::string duplicate_key(std::string_view id) { return "imapsieve duplicate " + std::string(id); }

}  // namespace imapsieve
