// lib/sieve/settings.h - what the administrator decides about scripts, and how much a script may use.
//
// Plain values: whoever runs scripts fills them from its own parameters. Compiling and running take the same Settings.
//
// Standards   the bounds that RFC 5228 (2.10.5), RFC 5229 (6), RFC 5230 (4.1), RFC 6609 (3.1) leave to the site
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sieve {

// Hard bounds. Whoever exceeds one gets a compile error, or a runtime error and so the implicit keep.
struct Limits {
    std::size_t script_octets = 1024 * 1024;
    std::size_t problems = 100;                    // errors reported by one compilation
    std::uint64_t instructions = 20'000'000;       // of one run, included scripts counted in
    std::chrono::milliseconds cpu_time{5000};      // of one run
    std::size_t variable_octets = 4096;            // of one variable; longer values are cut (RFC 5229, 6)
    std::size_t string_octets = 256 * 1024;        // of a string made from variables
    std::size_t memory_octets = 64 * 1024 * 1024;  // of everything a run keeps: decoded parts, edited headers, actions
    std::size_t actions = 32;                      // 0: no limit
    std::size_t redirects = 4;                     // 0 prohibits redirect
    std::size_t notifications = 10;                // 0 prohibits notify
    std::size_t include_depth = 10;
    std::size_t includes = 255;
    std::uint32_t regex_steps = 500'000;  // backtracking steps of one match
};

// Where the sender address of a message comes from that a script makes us send.
struct EnvelopeSource {
    enum class Kind { sender, recipient, original_recipient, user_email, postmaster, address, builtin };
    Kind kind = Kind::builtin;  // what the action does when nothing is configured
    std::string address;        // for Kind::address; empty is the null sender
};

// How spamtest and virustest read the verdict of the filter that came before us.
struct VerdictSettings {
    enum class Type { score, strlen, text };
    std::string status_header;  // NAME or NAME:REGEX; empty: the test finds nothing
    std::string max_header;     // the same, for the highest score
    double max_value = 0;       // or the highest score itself
    Type type = Type::score;
    std::map<int, std::string> text_values;  // 0..10 (spam) or 0..5 (virus) -> the text that stands for it
};

struct Settings {
    Limits limits;
    std::string recipient_delimiter = "+";  // any of these separates user and detail
    std::string user_email;                 // the user's own address; empty: the final recipient
    bool foreign_from = false;              // :from may name anybody (conformance tests), not just the user's own addresses
    std::string postmaster = "postmaster";  // address of those who answer for this host
    std::string hostname = "localhost";
    std::string default_mailbox = "INBOX";
    EnvelopeSource redirect_from{EnvelopeSource::Kind::sender, {}};

    std::chrono::seconds vacation_min{86400};
    std::chrono::seconds vacation_max{0};  // 0: no upper bound
    std::chrono::seconds vacation_default{7 * 86400};
    bool vacation_original_recipient = false;  // mail to the address before aliases counts as mail to the user
    bool vacation_check_recipient = true;      // answer only what names the user in To, Cc, Bcc or Resent-
    bool vacation_from_recipient = false;      // answer with the recipient's address instead of the null sender

    EnvelopeSource notify_from;
    EnvelopeSource report_from;

    std::chrono::seconds duplicate_default{14 * 3600};
    std::chrono::seconds duplicate_max{7 * 86400};

    std::size_t header_octets = 2048;            // of a field that addheader makes; never below 1024
    std::vector<std::string> protected_headers;  // may neither be added nor deleted
    std::vector<std::string> forbid_add;
    std::vector<std::string> forbid_delete;

    VerdictSettings spam;
    VerdictSettings virus;
};

}  // namespace sieve
