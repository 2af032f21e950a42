// lib/spf/record.h - an SPF record, parsed as a whole before anything of it is evaluated.
//
// Standards   RFC 7208, 4.5, 4.6, 5, 6, 12
// Failure     parse_record() names the term that breaks the grammar: the permerror of check_host().
// Trust       the text is what a stranger published: up to 64 KiB of any octets.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/dict/network.h"
#include "lib/spf/macro.h"

namespace spf {

struct Mechanism {
    enum class Kind { all, include, a, mx, ptr, ip4, ip6, exists };
    Kind kind = Kind::all;
    char qualifier = '+';               // + - ~ ?
    std::optional<MacroString> domain;  // none: the domain that is being checked
    dict::IpAddress network;            // ip4, ip6
    int ip4_prefix = 32, ip6_prefix = 128;
    std::string text;  // as published
};

struct Record {
    std::vector<Mechanism> mechanisms;
    std::optional<MacroString> redirect, explanation;
};

// "v=spf1", and then a blank or the end.
bool is_spf_record(std::string_view text);
std::expected<Record, std::string> parse_record(std::string_view text);

}  // namespace spf
