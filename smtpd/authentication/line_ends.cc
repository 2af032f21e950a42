#include "smtpd/authentication/line_ends.h"

#include <utility>

namespace smtpd::authentication {
namespace {

// Every message goes through here: find() looks at many octets at once, find_first_of() at each by itself.
bool is_whole(std::string_view octets) {
    while (!octets.empty()) {
        std::size_t lf = octets.find('\n');
        if (lf == std::string_view::npos)
            return octets.find('\r') == lf;
        if (lf == 0 || octets.substr(0, lf).find('\r') != lf - 1)
            return false;
        octets.remove_prefix(lf + 1);
    }
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
