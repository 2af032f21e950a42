// lib/dns/message.h - reads one message of the DNS: the answer to one question.
//
// CNAMEs are followed inside the message, at most kMaxAliases of them; a chain that leads nowhere or in a circle is a
// temporary failure, because nobody can tell what its owner meant.
//
// Standards   RFC 1035, 4.1; RFC 2308, 5 (how long "does not exist" is true)
// Failure     a message that breaks a rule is a temporary_failure that says which.
// Trust       every octet comes from a stranger: compression leads only backwards, lengths stay inside the message.
#pragma once

#include <string_view>

#include "lib/dns/resolver.h"

namespace dns {

inline constexpr int kMaxAliases = 12;

// `name` and `type` are the question that was asked.
RawAnswer parse_message(std::string_view message, std::string_view name, Type type);

// What the RDATA of one record says; no value where it breaks its form.
std::optional<dict::IpAddress> parse_address(std::string_view rdata);
std::optional<MailExchanger> parse_mx(std::string_view rdata);
std::optional<std::string> parse_txt(std::string_view rdata);
std::optional<std::string> parse_name_record(std::string_view rdata);
std::optional<TlsaRecord> parse_tlsa(std::string_view rdata);

}  // namespace dns
