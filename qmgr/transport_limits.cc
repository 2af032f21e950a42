#include "qmgr/transport_limits.h"

#include <algorithm>

#include "lib/config/values.h"
#include "lib/log/log.h"

namespace qmgr {
namespace {

int number_of(const config::MainCf& main_cf, const std::string& name, int fallback) {
    const auto text = main_cf.get(name);
    if (!text || text->empty())
        return fallback;
    const auto value = config::parse_integer(*text);
    if (!value || *value < 0 || *value > 1'000'000'000) {
        logging::warning("main.cf: {} = {}: not a number that makes sense; {} is used", name, *text, fallback);
        return fallback;
    }
    return static_cast<int>(*value);
}

Feedback feedback_of(const config::MainCf& main_cf, const std::string& name, const std::string& fallback) {
    const std::string set = main_cf.get(name).value_or("");
    const std::string& text = set.empty() ? fallback : set;
    const auto value = parse_feedback(text);
    if (value)
        return *value;
    logging::warning("main.cf: {} = {}: {}; 1 is used", name, text, value.error());
    return {};
}

}  // namespace

TransportLimits read_transport_limits(const config::MainCf& main_cf, const Params& params, const std::string& transport) {
    TransportLimits limits;
    limits.window.initial = std::max(
        1, number_of(main_cf, transport + "_initial_destination_concurrency", params.initial_destination_concurrency()));
    limits.window.limit = number_of(
        main_cf, transport + "_destination_concurrency_limit", params.default_destination_concurrency_limit());
    if (limits.window.limit > 0)
        limits.window.initial = std::min(limits.window.initial, limits.window.limit);
    limits.window.failed_cohort_limit = number_of(main_cf, transport + "_destination_concurrency_failed_cohort_limit",
        params.default_destination_concurrency_failed_cohort_limit());
    limits.window.positive = feedback_of(main_cf, transport + "_destination_concurrency_positive_feedback",
        params.default_destination_concurrency_positive_feedback());
    limits.window.negative = feedback_of(main_cf, transport + "_destination_concurrency_negative_feedback",
        params.default_destination_concurrency_negative_feedback());
    // local(8) looks at one user's aliases, .forward and mailbox at a time, as in Postfix.
    const int recipients = transport == "local" ? 1 : params.default_destination_recipient_limit();
    limits.recipients = number_of(main_cf, transport + "_destination_recipient_limit", recipients);
    limits.deliveries = params.default_process_limit();
    const config::List& deferred = params.defer_transports();
    limits.deferred = std::find(deferred.begin(), deferred.end(), transport) != deferred.end();
    return limits;
}

}  // namespace qmgr
