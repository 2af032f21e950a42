// mailauth dkim, arc, dmarc - what each says about the message alone.
#include "smtpd/authentication/results.h"
#include "smtpd/tools/mailauth/message.h"

namespace mailauth {

event::Task<int> run_dkim(Invocation& call) {
    const Message message = read_message();
    Verified verified;
    co_await verify_message(call, message.octets, verified);
    add_dkim(call.report, verified.verdict);
    std::vector<authres::Result> results = smtpd::authentication::dkim_results(verified.verdict);
    add_authres_header(call, std::move(results));
    co_return 0;
}

event::Task<int> run_arc(Invocation& call) {
    const Message message = read_message();
    Verified verified;
    co_await verify_message(call, message.octets, verified);
    add_arc(call.report, verified.verdict.arc);
    std::vector<authres::Result> results(1, smtpd::authentication::arc_result(verified.verdict.arc, std::string()));
    add_authres_header(call, std::move(results));
    co_return 0;
}

event::Task<int> run_dmarc(Invocation& call) {
    const dmarc::Options options = dmarc_options(call);
    const Message message = read_message();
    Verified verified;
    co_await verify_message(call, message.octets, verified);
    const dmarc::PublicSuffixes suffixes;
    dmarc::Input input;
    if (verified.verifier->header_is_complete())
        input.from = dmarc::from_bodies(verified.verifier->fields());
    input.spf_passed = call.has("spf");
    input.spf_domain = call.get("spf");
    input.dkim = &verified.verdict.signatures;
    input.arc = &verified.verdict.arc;
    const dmarc::Verdict verdict = co_await dmarc::evaluate(call.resolver(), suffixes, input, options);
    add_dmarc(call.report, verdict);
    std::vector<authres::Result> results(1, dmarc::format_result(verdict));
    add_authres_header(call, std::move(results));
    co_return 0;
}

}  // namespace mailauth
