// smtpd/restrictions/reply_filter.h - which answers of a DNS list count: list.example.test=127.0.0.[2..11;20].
//
// Without a filter every answer in 127.0.0.0/8 counts, and never one outside it: a list whose domain was sold, or that
// answers everything, does not refuse all mail.
//
// Standards   postconf(5) at reject_rbl_client; RFC 5782, 2.1
// Failure     parse() tells what is wrong.
#pragma once

#include <array>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/dict/network.h"

namespace smtpd {

class ReplyFilter {
  public:
    // "d.d.d.d", where each d is a number or [n;n..m;...]; empty: everything in 127/8.
    static std::expected<ReplyFilter, std::string> parse(std::string_view text);
    bool matches(const dict::IpAddress& answer) const;

  private:
    using Ranges = std::vector<std::pair<unsigned, unsigned>>;
    static std::expected<Ranges, std::string> parse_part(std::string_view& text);
    std::array<Ranges, 4> parts_;  // empty: any
};

}  // namespace smtpd
