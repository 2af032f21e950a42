// qmgr/tools/listing_format.h - the queue listing for people (sendmail's format) and for programs (JSON).
//
// Standards   mailq(1), postqueue(1): other programs read both, so widths and separators are exact
// Trust       addresses and reasons come from strangers: control characters never reach the terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/ipc/records/showq.h"

namespace tools {

class PlainListing {
  public:
    explicit PlainListing(bool long_ids) : long_ids_{long_ids} {}

    std::string format(const ipc::records::ShowqMessage& message);
    std::string end() const;

  private:
    bool long_ids_;
    std::uint64_t messages_ = 0;
    std::uint64_t octets_ = 0;
};

std::string format_json(const ipc::records::ShowqMessage& message);
std::string quote_json(std::string_view text);

}  // namespace tools
