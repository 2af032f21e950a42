// AUTH (RFC 4954).
#include "smtpd/session.h"

namespace smtpd {

using smtp::Reply;

std::string Session::mechanisms() const { return ""; }

event::Task<Reply> Session::auth(std::string_view) {
    co_return Reply(503, "5.5.1", "Error: authentication not enabled");
}

}  // namespace smtpd
