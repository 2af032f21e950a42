// imapd/lmtp/lmtpd/params.h - the main.cf parameters of lmtpd(8).
#pragma once

#include "lib/config/common_params.h"

namespace lmtpd {

struct Params : config::CommonParams {
    config::Param<std::chrono::seconds> timeout{
        *this, "lmtpd_timeout", "300s", {.min = std::chrono::seconds(1)}, "How long the LMTP server waits for its client."};
    config::Param<int> recipient_limit{*this, "lmtpd_recipient_limit", 1000, {.min = 100},
        "Recipients per message (RFC 5321, 4.5.3.1.8 wants at least 100)."};
    config::Param<int> hard_error_limit{*this, "lmtpd_hard_error_limit", 100, {.min = 1},
        "The number of error replies after which the server says 421 and disconnects."};
    config::Param<bool> add_received_header{
        *this, "lmtp_add_received_header", true, "Add a Received line at delivery, as every hop does."};
    config::Param<std::string> store_socket{*this, "lmtpd_store_socket", "private/lmtp-store", {.min = 1},
        "The socket of the process that writes into mailboxes."};
};

}  // namespace lmtpd
