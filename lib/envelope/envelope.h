// lib/envelope/envelope.h - what MAIL and RCPT say about a message, and who said it.
//
// Every program that passes mail on carries these two types, nested in what it says beside them; their lists are the only
// place where a value of the envelope is named. The numbers are those of the fields in queue files, see
// malleposte-queue-file(5).
//
// Standards   RFC 5321, 3.3; RFC 3461; RFC 6152, 6531, 4954
// Trust       what is in here came from strangers. Addresses are in text form, without angle brackets.
#pragma once

#include <cstdint>
#include <string>

#include "lib/envelope/dsn.h"
#include "lib/fields/field_list.h"

namespace envelope {

// The client as the server saw it; for Received, log lines and filters. All empty for mail that was made on this host.
struct Client {
    std::string name;     // "unknown" where it could not be verified
    std::string address;  // "192.0.2.1", "2001:db8::1"
    std::string port;
    std::string helo;
    std::string protocol;  // "SMTP", "ESMTP", "ESMTPS", "ESMTPSA", "LMTP": the word after "with"
    std::string sasl_method;
    std::string sasl_username;
    std::string sasl_sender;  // AUTH= of MAIL

    static constexpr auto fields() {
        return fields::FieldList{fields::field("log_client_name", &Client::name, 16),
            fields::field("log_client_address", &Client::address, 17), fields::field("log_client_port", &Client::port, 18),
            fields::field("log_helo_name", &Client::helo, 19), fields::field("log_protocol_name", &Client::protocol, 20),
            fields::field("sasl_method", &Client::sasl_method, 21),
            fields::field("sasl_username", &Client::sasl_username, 22),
            fields::field("sasl_sender", &Client::sasl_sender, 23)};
    }
};

enum Flag : std::uint32_t {
    kSmtpUtf8 = 1,       // RFC 6531: the addresses or the header need SMTPUTF8
    kEightBit = 2,       // BODY=8BITMIME was declared, RFC 6152
    kLocalOrigin = 4,    // local_header_rewrite_clients: addresses and header are completed here
    kInternalMail = 16,  // made here (a report): never answered
};
inline constexpr std::uint32_t kAllFlags = kSmtpUtf8 | kEightBit | kLocalOrigin | kInternalMail;

// What is said once for all recipients.
struct Mail {
    std::string sender;  // "" is the null sender
    std::string envid;   // RFC 3461, still in xtext
    Ret ret = Ret::unsaid;
    std::uint32_t flags = 0;
    std::int64_t arrival_us = 0;  // when it began to arrive, microseconds since 1970, UTC
    Client client;

    static constexpr auto fields() {
        return fields::FieldList{fields::field("arrival_us", &Mail::arrival_us, 2), fields::field("flags", &Mail::flags, 6),
            fields::field("client", &Mail::client), fields::field("envelope_id", &Mail::envid, 4),
            fields::field("ret_flags", &Mail::ret, 5), fields::field("sender", &Mail::sender, 3)};
    }
};

// What is said for each. In queue files by position: a new member goes to the end of the list.
struct Recipient {
    std::string address;       // where it goes, after all rewriting so far
    std::string original;      // as the client gave it; empty: the same
    std::string orcpt;         // RFC 3461, "rfc822;alice@example.test", still in xtext
    std::uint32_t notify = 0;  // a set of Notify

    const std::string& given() const { return original.empty() ? address : original; }
    // From now on it goes elsewhere; what the client gave stays known.
    void redirect(std::string target) {
        if (target == address)
            return;
        std::string before = std::move(address);
        address = std::move(target);
        if (original.empty())
            original = std::move(before);
        else if (original == address)
            original.clear();
    }

    static constexpr auto fields() {
        return fields::FieldList{fields::field("notify_flags", &Recipient::notify),
            fields::field("recipient", &Recipient::address), fields::field("original_recipient", &Recipient::original),
            fields::field("dsn_orig_rcpt", &Recipient::orcpt)};
    }
};

}  // namespace envelope
