// lmtp/params.h - the main.cf parameters of lmtp(8) and smtp(8): one program, each with names of its own.
#pragma once

#include "lib/config/common_params.h"

namespace lmtp {

// `prefix` is "lmtp" or "smtp": lmtp_connect_timeout, smtp_connect_timeout. (postconf reads the next line.)
// Variants: lmtp smtp
struct Params : config::CommonParams {
    explicit Params(const std::string& prefix) : prefix_(prefix) {}

  private:
    std::string prefix_;
    std::string named(const char* rest) const { return prefix_ + rest; }

  public:
    using Time = config::Param<std::chrono::seconds>;
    Time connect_timeout{*this, named("_connect_timeout"), prefix_ == "lmtp" ? "0s" : "30s",
        "How long to wait for a connection to be accepted; 0 for the system's own patience."};
    Time greeting_timeout{*this, named(prefix_ == "lmtp" ? "_lhlo_timeout" : "_helo_timeout"), "300s",
        "How long to wait for the greeting, and for the answer to ours."};
    Time mail_timeout{*this, named("_mail_timeout"), "300s", "How long to wait for the answer to MAIL FROM."};
    Time rcpt_timeout{*this, named("_rcpt_timeout"), "300s", "How long to wait for the answer to RCPT TO."};
    Time data_init_timeout{*this, named("_data_init_timeout"), "120s", "How long to wait for the answer to DATA."};
    Time data_xfer_timeout{
        *this, named("_data_xfer_timeout"), "180s", "How long the server may take to accept a part of the message."};
    Time data_done_timeout{
        *this, named("_data_done_timeout"), "600s", "How long to wait for the answer to the end of the message."};
    Time quit_timeout{*this, named("_quit_timeout"), "300s", "How long to wait for the answer to QUIT."};
    Time starttls_timeout{*this, named("_starttls_timeout"), "300s", "How long a TLS handshake may take."};
    Time connection_cache_time_limit{*this, named("_connection_cache_time_limit"), "2s",
        "How long a connection is kept open for the next message to the same destination."};
    config::Param<int> connection_reuse_count_limit{*this, named("_connection_reuse_count_limit"), 0, {.min = 0},
        "The most messages over one connection; 0 for no limit."};
    config::Param<std::string> helo_name{*this, named(prefix_ == "lmtp" ? "_lhlo_name" : "_helo_name"), "$myhostname",
        {.min = 1}, "The name that we give ourselves in the greeting."};
    config::Param<std::string> tls_security_level{*this, named("_tls_security_level"), "",
        "Whether connections use TLS: none, may (where the server offers it), encrypt (or the mail waits). Empty is "
        "none."};
    config::Param<std::string> tls_ca_file{
        *this, named("_tls_CAfile"), "", "The certificate authorities, in PEM; the system's where empty."};
    config::Param<bool> assume_final{*this, "lmtp_assume_final", false,
        "Whether mail that an LMTP server without DSN has taken counts as delivered in reports of success, and not as "
        "relayed. Of lmtp(8) only."};
    config::Param<int> tcp_port{*this, named("_tcp_port"), prefix_ == "lmtp" ? 24 : 25, {.min = 1, .max = 65535},
        "The port of a destination that names none."};
};

}  // namespace lmtp
