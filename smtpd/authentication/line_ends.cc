#include "smtpd/authentication/line_ends.h"

#include <utility>

namespace smtpd::authentication {
namespace {

bool is_whole(std::string_view octets) {
    for (std::size_t at = octets.find_first_of("\r\n"); at != std::string_view::npos; at = octets.find_first_of("\r\n", at + 2))
        if (octets[at] == '\n' || at + 1 >= octets.size() || octets[at + 1] != '\n')
            return false;
    return true;
}

}  // namespace

std::string_view LineEnds::mend(std::string_view octets) {
    if (!after_cr_ && is_whole(octets))
        return octets;
    mended_.clear();
    for (char c : octets) {
        if (std::exchange(after_cr_, false)) {
            mended_ += "\r\n";
            if (c == '\n')
                continue;
        }
        if (c == '\r')
            after_cr_ = true;
        else if (c == '\n')
            mended_ += "\r\n";
        else
            mended_ += c;
    }
    return mended_;
}

std::string_view LineEnds::finish() { return std::exchange(after_cr_, false) ? "\r\n" : ""; }

}  // namespace smtpd::authentication
