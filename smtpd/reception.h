// smtpd/reception.h - one message on its way from the client to cleanup.
#pragma once

#include <optional>
#include <string>

#include "lib/smtp/data.h"
#include "smtpd/authentication/gate.h"
#include "smtpd/session.h"

namespace smtpd {

struct Session::Reception {
    smtp::DataDecoder decoder;
    std::string chunk;                                     // decoded, not yet handed on
    std::optional<authentication::Inspection> inspection;  // of a stranger's message
    std::string fresh;                                     // decoded, not yet inspected
    std::int64_t size = 0;
    bool too_large = false;
    bool link_broken = false;  // cleanup went away; the rest is read and dropped
    // All that cleanup was told of the content, while that is one record: it can be said to another cleanup then.
    std::optional<ipc::records::CleanupContent> first;
    bool begun = false;  // something of the message was handed on
    bool sends() const { return !too_large && !link_broken; }
};

}  // namespace smtpd
