// imapd/sieve/scripts/params.h - the main.cf parameters of every program that keeps or runs users' Sieve scripts.
#pragma once

#include "imapd/account/script_params.h"

namespace scripts {

using namespace std::chrono_literals;

struct Params : account::ScriptParams {
    config::Param<std::string> global_directory{
        *this, "sieve_global_directory", "", "Where include :global finds scripts; empty: there are none."};
    config::Param<std::int64_t> max_script_size{
        *this, "sieve_max_script_size", 1048576, {.min = 1024}, "The largest script in octets."};
    config::Param<int> quota_scripts{
        *this, "sieve_quota_max_scripts", 100, {.min = 0}, "How many scripts a user may keep; 0: any number."};
    config::Param<std::int64_t> quota_storage{*this, "sieve_quota_max_storage", 10485760, {.min = 0},
        "How many octets a user's scripts may have together; 0: any number."};
    config::Param<int> max_actions{
        *this, "sieve_max_actions", 32, {.min = 0}, "How many actions one script run may ask for; 0: any number."};
    config::Param<int> max_redirects{
        *this, "sieve_max_redirects", 4, {.min = 0}, "How many redirects one script run may ask for; 0 forbids redirect."};
    config::Param<std::chrono::seconds> max_cpu_time{
        *this, "sieve_max_cpu_time", 5s, {.min = 1s}, "How much processor time one script run may take."};
    config::Param<std::string> user_email{
        *this, "sieve_user_email", "", "The user's own address, with % letters; empty: the recipient of the message."};
    config::Param<std::string> redirect_envelope_from{*this, "sieve_redirect_envelope_from", "sender", {.min = 1},
        "The envelope sender of redirected mail: sender, recipient, orig_recipient, user_email, postmaster, or an address "
        "in "
        "angle brackets. Except with sender, mail from <> is redirected with <>."};
    config::Param<std::chrono::seconds> redirect_duplicate_period{*this, "sieve_redirect_duplicate_period", 12h, {.min = 0s},
        "For how long a message, known by its Message-ID, is not redirected to the same address again."};
    config::Param<std::chrono::seconds> vacation_min_period{*this, "sieve_vacation_min_period", 24h, {.min = 0s},
        "The shortest time between two vacation answers to the same sender that a script may ask for."};
    config::Param<std::chrono::seconds> vacation_max_period{
        *this, "sieve_vacation_max_period", 0s, {.min = 0s}, "The longest such time; 0: any."};
    config::Param<std::chrono::seconds> vacation_default_period{
        *this, "sieve_vacation_default_period", 168h, {.min = 1s}, "That time where the script does not say."};
    config::Param<std::string> postmaster{*this, "sieve_postmaster", "postmaster@$mydomain", {.min = 1},
        "The address of those who answer for this host, as it stands in messages that scripts send."};
    config::Param<std::string> spamtest_header{*this, "sieve_spamtest_status_header", "",
        "The header, NAME or NAME:REGEX, in which a filter before us wrote its spam score, for the spamtest test."};
    config::Param<std::string> spamtest_max_value{
        *this, "sieve_spamtest_max_value", "", "The score that counts as certain spam."};
    config::Param<std::string> virustest_header{*this, "sieve_virustest_status_header", "",
        "The header, NAME or NAME:REGEX, with a virus filter's verdict, for the virustest test."};
    config::Param<std::string> virustest_max_value{
        *this, "sieve_virustest_max_value", "", "The score that counts as a certain virus."};
};

}  // namespace scripts
