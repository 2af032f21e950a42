// lib/queue/message.h - a message as its file tells it: envelope, results so far, marks.
#pragma once

#include <vector>

#include "lib/queue/envelope.h"
#include "lib/queue/status.h"

namespace queue {

struct Message {
    Envelope envelope;
    std::vector<Status> statuses;
    bool torn = false;    // something after the last whole status record was dropped
    bool expire = false;  // the administrator wants it returned now

    // Whether the sender was told which addresses became others.
    bool expansion_reported() const;
};

}  // namespace queue
