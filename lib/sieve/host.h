// lib/sieve/host.h - what a script asks of its surroundings.
//
// lib/sieve itself touches no file, clock or network: it asks a Host. The interpreter calls a Host only from inside
// Interpreter::run(), on the caller's thread:
//
//     header, address, exists, size, body ... never ask
//     envelope                                envelope()
//     environment                             environment(item)
//     mailboxexists, specialuse_exists ...    mailbox_exists(name), ... once per test and argument
//     valid_ext_list, :list                   is_external_list(name), in_external_list(name, value)
//     duplicate                               seen_recently(id)        (marking is an action: Kind::mark_duplicate)
//     currentdate                             now(), zone_minutes()
//
// Failure     a Host that cannot answer for now throws HostFailure; the run ends with Outcome::Status::temporary_failure
//             and the message must be tried again.
// Trust       names and values come from the user's script and may be anything that is valid UTF-8 without NUL.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sieve {

struct HostFailure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Addresses as they were in the SMTP or LMTP dialogue; the null sender is "" or "<>".
struct Envelope {
    std::string from;
    std::string to;           // final recipient
    std::string original_to;  // recipient before aliases; empty when unknown
    std::string auth;         // MAIL FROM ... AUTH=
};

enum class ScriptLocation { personal, global };

// Gives the text of included scripts to the compiler.
class ScriptLoader {
  public:
    virtual ~ScriptLoader() = default;
    // The script's text; nothing if there is none of that name. The name has passed is_valid_script_name().
    virtual std::optional<std::string> load(ScriptLocation location, std::string_view name) = 0;
};

class Host {
  public:
    virtual ~Host() = default;

    virtual const Envelope& envelope() const = 0;

    // Items of RFC 5183 (domain, host, location, name, phase, remote-host, remote-ip, version), of RFC 6785 (imap.user,
    // imap.email, imap.cause, imap.mailbox, imap.changedflags) and our own. Nothing: unknown here.
    virtual std::optional<std::string> environment(std::string_view item) const = 0;

    // True if the mailbox is there and the user may deliver into it. Names are UTF-8 (RFC 5490).
    virtual bool mailbox_exists(std::string_view mailbox) = 0;
    virtual bool mailbox_id_exists(std::string_view id) = 0;  // RFC 9042
    // True if `mailbox`, or any mailbox if nothing is given, has each of these uses (RFC 8579).
    virtual bool special_use_exists(std::optional<std::string_view> mailbox, std::span<const std::string> uses) = 0;
    // Value of an annotation, of the server if no mailbox is given (RFC 5490).
    virtual std::optional<std::string> metadata(std::optional<std::string_view> mailbox, std::string_view annotation) = 0;

    // External lists (RFC 6134) by their full name (urn:ietf:params:sieve:addrbook:default).
    virtual bool is_external_list(std::string_view name) = 0;
    virtual bool in_external_list(std::string_view name, std::string_view value) = 0;

    // Was this duplicate id (opaque octets) marked, and has it not expired (RFC 7352)?
    virtual bool seen_recently(std::string_view id) = 0;

    virtual std::int64_t now() const = 0;  // seconds since 1970
    virtual int zone_minutes() const = 0;  // of local time, east of Greenwich

    // Flags that the message has already: none for new mail, the stored ones for IMAP events. A script that changes none of
    // them gives them back with its keep and fileinto.
    virtual std::vector<std::string> message_flags() const = 0;
};

// RFC 6609, 3.2 and RFC 5804, 1.6: not empty, at most 128 characters, no "/", no control characters.
bool is_valid_script_name(std::string_view name);

}  // namespace sieve
