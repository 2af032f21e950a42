#include "lib/dkim/message_tap.h"

namespace dkim {

void MessageTap::feed(std::string_view octets) {
    if (in_body_)
        return hashes_.feed(octets);
    if (too_long_)
        return;
    header_ += octets;
    std::size_t end = std::string::npos;
    if (header_.starts_with("\r\n"))
        end = 0;
    else if (const std::size_t found = header_.find("\r\n\r\n", searched_); found != std::string::npos)
        end = found + 2;
    searched_ = header_.size() < 3 ? 0 : header_.size() - 3;
    if (end == std::string::npos) {
        too_long_ = header_.size() > kMaxSignedHeader;
        return;
    }
    const std::string rest = header_.substr(end + 2);
    header_.resize(end);
    in_body_ = true;
    hashes_.feed(rest);
}

void MessageTap::finish() { hashes_.finish(); }

}  // namespace dkim
