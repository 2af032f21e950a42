// mailauth verify - every verdict about a message, as smtpd would write it down.
#include "smtpd/authentication/verification.h"

#include <fmt/format.h>

#include "lib/command/command.h"
#include "lib/dkim/params.h"
#include "smtpd/authentication/results.h"
#include "smtpd/tools/mailauth/envelope.h"
#include "smtpd/tools/mailauth/message.h"

namespace mailauth {
namespace {

namespace authentication = smtpd::authentication;

authentication::Settings settings_of(Invocation& call) {
    dkim::Params dkim;
    for (const config::Problem& problem : dkim.load(call.main_cf()))
        command::warn(config::format_problem(problem));
    authentication::Settings settings;
    settings.dkim = dkim::options_of(dkim);
    settings.dkim.now = call.now;
    settings.dkim.allow_body_length = settings.dkim.allow_body_length || call.has("allow-body-length");
    settings.dmarc = dmarc_options(call);
    return settings;
}

}  // namespace

event::Task<int> run_verify(Invocation& call) {
    authentication::Findings findings;
    findings.envelope = spf_query(call);
    authentication::Settings settings = settings_of(call);
    dkim::KeyCache keys;
    dmarc::PublicSuffixes suffixes;
    authentication::Tools tools{call.loop, call.resolver(), keys, suffixes};
    spf::Limits limits;
    co_await authentication::check_spf(tools.resolver, limits, findings);
    const Message message = read_message();
    authentication::Verification verification(tools, settings);
    verification.feed(message.octets);
    co_await verification.finish(findings, std::string());
    add_spf(call.report, *findings.spf());
    add_dkim(call.report, *findings.dkim);
    add_arc(call.report, findings.dkim->arc);
    if (findings.dmarc)
        add_dmarc(call.report, *findings.dmarc);
    // The header as a whole, with its fields one after the other.
    constexpr std::size_t kRoom = 65536;
    std::string fields = authentication::format_fields(findings, authserv_id(call), kRoom);
    for (std::size_t begin = 0; begin < fields.size();) {
        std::size_t end = fields.find("\r\n", begin);
        while (end + 2 < fields.size() && (fields[end + 2] == '\t' || fields[end + 2] == ' '))
            end = fields.find("\r\n", end + 2);
        add_field(call.report, fields.substr(begin, end - begin));
        begin = end + 2;
    }
    co_return 0;
}

}  // namespace mailauth
