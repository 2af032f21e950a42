// lib/envelope/dsn.h - what a sender may ask about delivery status notifications: NOTIFY, RET, ENVID, ORCPT.
//
// Texts are kept as they came, in xtext (lib/text/xtext.h): so nothing in them can end a line or a field, and they are
// passed on unchanged. They are decoded where a person reads them, in a report.
//
// Standards   RFC 3461, 4; RFC 6533, 3 (utf-8 addresses)
// Failure     no value for what the grammar does not allow.
// Trust       parameters come from strangers and from local users; lengths are those of RFC 3461.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace envelope {

// RFC 3461, 4.1: which reports a sender wants; a set. 0: not said, which means failure and delay.
enum Notify : std::uint32_t { kNotifyNever = 1, kNotifySuccess = 2, kNotifyFailure = 4, kNotifyDelay = 8 };

// RFC 3461, 4.3: how much of the message a report of a failure returns.
enum class Ret : std::uint8_t { unsaid = 0, full = 1, headers = 2 };

// RFC 3464, 2.3.3: what became of a message without a failure.
enum class Action : std::uint8_t {
    unsaid = 0,
    delivered = 1,
    relayed = 2,    // given to a host that cannot report
    expanded = 3,   // became several others
    passed_on = 4,  // given to a host that has taken over to report; nothing is said here
};

// "NEVER", or a list of SUCCESS, FAILURE, DELAY; case does not matter.
std::optional<std::uint32_t> parse_notify(std::string_view text);
std::string format_notify(std::uint32_t notify);
// Whether these bits are what parse_notify() can give, or 0.
bool is_notify(std::uint32_t notify);
// For the addresses that one address was expanded to: the sender has the report about success already.
std::uint32_t without_success(std::uint32_t notify);

std::optional<Ret> parse_ret(std::string_view text);
std::string_view format_ret(Ret ret);

// xtext of printable ASCII, at most 100 characters of it.
bool is_envid(std::string_view text);

// "rfc822;alice@example.test": an address type, and an address in xtext (utf-8-addr-xtext where the type is utf-8); at most
// 500 characters.
bool is_orcpt(std::string_view text);
// The same for a person to read, xtext decoded; nothing where it is none.
std::optional<std::string> readable_orcpt(std::string_view text);
// ORCPT for an address that came without.
std::string make_orcpt(std::string_view address);

}  // namespace envelope
