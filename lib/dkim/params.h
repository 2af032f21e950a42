// lib/dkim/params.h - the main.cf parameters of every program that verifies signatures.
#pragma once

#include "lib/config/param.h"

namespace dkim {

struct Params : config::ParamSet {
    config::Param<int> signature_limit{*this, "dkim_signature_limit", 8, {.min = 1, .max = 50},
        "How many DKIM signatures of one message are verified. More are ignored, and the log says so."};
    config::Param<bool> allow_body_length{*this, "dkim_allow_body_length", false,
        "Whether a signature that leaves the end of the body unsigned (l=) may pass. Anybody can add text to such a "
        "message."};
    config::Param<int> minimum_key_bits{
        *this, "dkim_minimum_key_bits", 1024, {.min = 1024, .max = 4096}, "The shortest RSA key whose signatures pass."};
    config::Param<bool> honour_test_mode{*this, "dkim_honour_test_mode", true,
        "Treat signatures of keys in test mode (t=y) as if the message had none, as their owners ask. Without this they "
        "pass like others."};
    config::Param<std::chrono::seconds> clock_skew{
        *this, "dkim_clock_skew", "1h", "How far in the future a signature's time may lie."};
};

}  // namespace dkim
