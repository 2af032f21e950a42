#include "imapd/auth/mechanism.h"

#include "lib/text/text.h"

namespace auth {
namespace {

Said malformed(std::string_view reason) {
    Said said;
    said.reason = reason;
    return said;
}

Said challenge(std::string_view text) {
    Said said;
    said.kind = Said::Kind::challenge;
    said.challenge = text;
    return said;
}

Said credentials(std::string_view user, std::string_view password) {
    Said said;
    said.kind = Said::Kind::credentials;
    said.user = user;
    said.password = password;
    return said;
}

}  // namespace

std::optional<Mechanism> Mechanism::make(std::string_view name) {
    std::string upper = text::upper(name);
    if (upper != "PLAIN" && upper != "LOGIN")
        return std::nullopt;
    return Mechanism(upper);
}

Said Mechanism::take(const std::optional<std::string>& message) {
    if (name_ == "LOGIN")
        return take_login(message);
    return message ? take_plain(*message) : challenge("");
}

// [authzid] NUL authcid NUL password
Said Mechanism::take_plain(const std::string& message) const {
    std::size_t first = message.find('\0');
    std::size_t second = first == std::string::npos ? first : message.find('\0', first + 1);
    if (second == std::string::npos || message.find('\0', second + 1) != std::string::npos)
        return malformed("malformed PLAIN message");
    std::string_view all = message;
    std::string_view authorize = all.substr(0, first);
    std::string_view user = all.substr(first + 1, second - first - 1);
    std::string_view password = all.substr(second + 1);
    if (user.empty() || password.empty())
        return malformed("empty user name or password");
    // To act for somebody else is not offered.
    if (!authorize.empty() && !text::equal_ignoring_case(authorize, user))
        return malformed("a PLAIN message asks to act for another user");
    return credentials(user, password);
}

Said Mechanism::take_login(const std::optional<std::string>& message) {
    if (!message) {
        asked_user_ = true;
        return challenge("Username:");
    }
    if (!user_) {
        // An initial response is the user name, also the empty one that some clients send to say nothing.
        if (message->empty() && !asked_user_) {
            asked_user_ = true;
            return challenge("Username:");
        }
        user_ = *message;
        return challenge("Password:");
    }
    if (user_->empty() || message->empty())
        return malformed("empty user name or password");
    return credentials(*user_, *message);
}

}  // namespace auth
