// mailauth spf - may this client use this sender?
#include <fmt/format.h>

#include "lib/command/command.h"
#include "lib/config/common_params.h"
#include "lib/spf/spf.h"
#include "lib/text/text.h"
#include "smtpd/tools/mailauth/envelope.h"

namespace mailauth {

std::string own_name(Invocation& call) {
    config::HostParams params;
    for (const config::Problem& problem : params.load(call.main_cf()))
        if (problem.unsafe)
            command::warn(config::format_problem(problem));
    return params.myhostname();
}

void add_spf(Report& report, const spf::Verdict& verdict) {
    report.add("spf", std::string(spf::result_name(verdict.result)))
        .detail("identity", verdict.identity == spf::Identity::helo ? "helo" : "mailfrom")
        .detail("domain", verdict.domain)
        .detail("mechanism", verdict.mechanism)
        .detail("reason", verdict.reason)
        .detail("explanation", verdict.explanation)
        .detail("questions", std::to_string(verdict.questions));
}

spf::Query spf_query(Invocation& call) {
    spf::Query query;
    auto client = dict::parse_ip(call.get("client"));
    if (!client)
        throw UsageError(fmt::format("--client {}: an IP address is wanted", call.get("client")));
    query.client = *client;
    query.helo = call.get("helo");
    query.sender = call.get("from");
    if (query.sender.starts_with('<') && query.sender.ends_with('>'))
        query.sender = query.sender.substr(1, query.sender.size() - 2);
    query.receiver = call.has("receiver") ? call.get("receiver") : own_name(call);
    query.now = call.now;
    return query;
}

event::Task<int> run_spf(Invocation& call) {
    spf::Query query = spf_query(call);
    std::string which = call.get("identity", query.sender.empty() ? "helo" : "mailfrom");
    if (which != "helo" && which != "mailfrom")
        throw UsageError(fmt::format("--identity {}: helo or mailfrom is wanted", which));
    spf::Identity identity = which == "helo" ? spf::Identity::helo : spf::Identity::mail_from;
    dns::Resolver& resolver = call.resolver();
    spf::Limits limits;
    spf::Verdict verdict = co_await spf::check(resolver, query, identity, limits);
    add_spf(call.report, verdict);
    call.report.header("Received-SPF", spf::received_spf(verdict, query));
    co_return 0;
}

}  // namespace mailauth
