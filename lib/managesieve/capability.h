// lib/managesieve/capability.h - what the suite's Sieve can do, as a client is told before it has logged in.
//
// login says it and must not link the compiler, so the words stand here again. test/unit/lib/managesieve holds them to
// sieve::capabilities() and sieve::notify_methods().
//
// Standards   RFC 5804, 1.7
#pragma once

#include <array>
#include <string_view>

namespace managesieve {

inline constexpr auto kSieveExtensions = std::to_array<std::string_view>({
    "body",
    "comparator-i;ascii-casemap",
    "comparator-i;ascii-numeric",
    "comparator-i;octet",
    "comparator-i;unicode-casemap",
    "copy",
    "date",
    "duplicate",
    "editheader",
    "encoded-character",
    "enotify",
    "envelope",
    "environment",
    "ereject",
    "extlists",
    "extracttext",
    "fcc",
    "fileinto",
    "foreverypart",
    "ihave",
    "imap4flags",
    "imapsieve",
    "include",
    "index",
    "mailbox",
    "mailboxid",
    "mboxmetadata",
    "mime",
    "regex",
    "reject",
    "relational",
    "servermetadata",
    "spamtest",
    "spamtestplus",
    "special-use",
    "subaddress",
    "vacation",
    "vacation-seconds",
    "variables",
    "virustest",
    "vnd.dovecot.environment",
    "vnd.dovecot.report",
});

inline constexpr auto kNotifyMethods = std::to_array<std::string_view>({"mailto"});

}  // namespace managesieve
