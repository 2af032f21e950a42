#include "lib/text/mail_date.h"

#include <ctime>

namespace text {

std::string format_mail_date(std::int64_t seconds) {
    // Most mail arrives in the same second as its neighbour.
    thread_local std::int64_t cached = -1;
    thread_local std::string shown;
    if (cached == seconds && !shown.empty())
        return shown;
    const auto when = static_cast<std::time_t>(seconds);
    std::tm local{};
    if (localtime_r(&when, &local) == nullptr)
        gmtime_r(&when, &local);
    char buffer[128];
    const std::size_t size = std::strftime(buffer, sizeof buffer, "%a, %e %b %Y %H:%M:%S %z (%Z)", &local);
    shown.assign(buffer, size);
    cached = seconds;
    return shown;
}

}  // namespace text
