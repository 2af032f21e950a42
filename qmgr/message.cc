#include "qmgr/message.h"

namespace qmgr {

namespace {

// Applies what is known from earlier rounds.
void apply_statuses(Message& message, const std::vector<queue::Status>& statuses) {
    message.states.resize(message.envelope.recipients.size());
    for (const queue::Status& status : statuses) {
        if (status.recipient == queue::kWholeMessage) {
            message.delay_reported = message.delay_reported || status.outcome == queue::Outcome::delay_reported;
            message.expansion_reported = message.expansion_reported || status.outcome == queue::Outcome::reported;
            continue;
        }
        RecipientState& state = message.states[status.recipient];
        switch (status.outcome) {
        case queue::Outcome::delivered: state.phase = Phase::delivered; break;
        case queue::Outcome::bounced: state.phase = Phase::bounced; break;
        case queue::Outcome::reported: state.phase = Phase::reported; continue;
        case queue::Outcome::deferred: break;  // tried again now
        case queue::Outcome::delay_reported: continue;
        }
        state.dsn = status.dsn;
        state.text = status.text;
        state.remote_mta = status.relay;
        state.remote_reply = status.remote_reply;
        state.action = status.action;
        state.when = status.when;
    }
    message.open = 0;
    for (const RecipientState& state : message.states)
        message.open += state.phase == Phase::waiting;
}

}  // namespace

Message::Message(queue::Claimed claimed)
    : claim{std::move(claimed.claim)}, envelope{std::move(claimed.message.envelope)}, expire{claimed.message.expire} {
    apply_statuses(*this, claimed.message.statuses);
}

bool Message::owes_success(std::size_t index) const {
    const RecipientState& state = states[index];
    const bool known = state.action == envelope::Action::delivered || state.action == envelope::Action::relayed;
    return state.phase == Phase::delivered && known && !envelope.mail.sender.empty() &&
           (envelope.recipients[index].notify & envelope::kNotifySuccess) != 0;
}

bool Message::owes_success() const {
    if (envelope.mail.sender.empty())
        return false;
    if (!envelope.expanded.empty() && !expansion_reported)
        return true;
    for (std::size_t index = 0; index < states.size(); ++index)
        if (owes_success(index))
            return true;
    return false;
}

}  // namespace qmgr
