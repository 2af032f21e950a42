#include "smtpd/authentication/results.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/dns/name.h"
#include "lib/text/text.h"

namespace smtpd::authentication {
namespace {

constexpr std::size_t kFieldWidth = 78;

authres::Result spf_result(const spf::Verdict& verdict, const Findings& findings) {
    authres::Result result;
    result.method = "spf";
    result.result = spf::result_name(verdict.result);
    result.comment = verdict.reason;
    bool helo = verdict.identity == spf::Identity::helo;
    // RFC 8601, 2.7.2: the domain alone where there is no local part to tell.
    const std::string& sender = findings.envelope.sender;
    result.properties.push_back({"smtp", helo ? "helo" : "mailfrom", helo ? findings.envelope.helo : sender});
    return result;
}

authres::Result dkim_result(const dkim::Result& signature) {
    authres::Result result;
    result.method = "dkim";
    result.result = dkim::code_name(signature.code);
    result.comment = signature.key_bits > 0 ? fmt::format("{}-bit key", signature.key_bits) : "";
    result.reason = signature.reason;
    if (!signature.domain.empty())
        result.properties.push_back({"header", "d", signature.domain});
    if (!signature.identity.empty() && signature.identity != "@" + signature.domain)
        result.properties.push_back({"header", "i", signature.identity});
    if (!signature.selector.empty())
        result.properties.push_back({"header", "s", signature.selector});
    if (!signature.algorithm.empty())
        result.properties.push_back({"header", "a", signature.algorithm});
    if (!signature.signature.empty())
        result.properties.push_back({"header", "b", signature.signature});
    return result;
}

// Folds a long value at blanks.
std::string folded(std::string_view name, std::string_view value) {
    std::string out = std::string(name) + ":";
    std::size_t width = out.size();
    for (std::string_view word : text::split(value, " ")) {
        bool wrap = width + 1 + word.size() > kFieldWidth && width > 8;
        out += wrap ? "\r\n\t" : " ";
        width = (wrap ? 8 : width + 1) + word.size();
        out += word;
    }
    return out + "\r\n";
}

std::string fields_of(const Findings& findings, const authres::Header& header) {
    std::string fields = "Authentication-Results: " + authres::format(header) + "\r\n";
    if (const spf::Verdict* spf = findings.spf())
        fields += folded("Received-SPF", spf::received_spf(*spf, findings.envelope));
    return fields;
}

}  // namespace

std::vector<authres::Result> dkim_results(const dkim::Verdict& verdict) {
    std::vector<authres::Result> results;
    for (const dkim::Result& signature : verdict.signatures)
        results.push_back(dkim_result(signature));
    if (results.empty()) {
        results.emplace_back();
        results.back().method = "dkim";
        results.back().result = "none";
    }
    return results;
}

authres::Result arc_result(const dkim::ArcVerdict& arc, const std::string& client) {
    authres::Result result;
    result.method = "arc";
    result.result = dkim::code_name(arc.code);
    result.reason = arc.reason;
    if (!arc.sealers.empty()) {
        const dkim::ArcSealer& last = arc.sealers.back();
        result.comment = fmt::format("i={}", last.instance);
        if (arc.code == dkim::Code::pass && !last.domain.empty())
            result.properties.push_back({"header", "d", last.domain});
    }
    if (!client.empty())  // RFC 8617, 7.2: for whoever reports about it
        result.properties.push_back({"smtp", "remote-ip", client});
    return result;
}

authres::Header make_results(const Findings& findings, const std::string& authserv_id) {
    authres::Header header;
    header.authserv_id = authserv_id;
    for (const std::optional<spf::Verdict>* verdict : {&findings.mail_from, &findings.helo})
        if (*verdict)
            header.results.push_back(spf_result(**verdict, findings));
    if (findings.dkim) {
        for (authres::Result& result : dkim_results(*findings.dkim))
            header.results.push_back(std::move(result));
        header.results.push_back(arc_result(findings.dkim->arc, dns::address_text(findings.envelope.client)));
    }
    if (findings.dmarc)
        header.results.push_back(dmarc::format_result(*findings.dmarc));
    return header;
}

std::string format_fields(const Findings& findings, const std::string& authserv_id, std::size_t room) {
    authres::Header header = make_results(findings, authserv_id);
    std::string fields = fields_of(findings, header);
    if (fields.size() <= room)
        return fields;
    for (authres::Result& result : header.results) {
        result.comment.clear();
        result.reason.clear();
    }
    fields = "Authentication-Results: " + authres::format(header) + "\r\n";
    while (fields.size() > room && !header.results.empty()) {
        auto last = std::find_if(header.results.rbegin(), header.results.rend(),
            [](const authres::Result& result) { return result.method == "dkim"; });
        header.results.erase(last == header.results.rend() ? header.results.end() - 1 : std::prev(last.base()));
        fields = "Authentication-Results: " + authres::format(header) + "\r\n";
    }
    return fields;
}

std::string summary(const Findings& findings) {
    std::string text;
    auto add = [&](std::string_view method, std::string_view result, const std::string& remark) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", method, result);
        if (!remark.empty())
            text += fmt::format(" ({})", remark);
    };
    if (findings.helo && !findings.mail_from)
        add("spf", spf::result_name(findings.helo->result), findings.helo->domain);
    if (findings.mail_from)
        add("spf", spf::result_name(findings.mail_from->result), findings.mail_from->domain);
    if (findings.dkim) {
        if (findings.dkim->signatures.empty())
            add("dkim", "none", "");
        for (const dkim::Result& signature : findings.dkim->signatures)
            add("dkim", dkim::code_name(signature.code),
                signature.reason.empty() ? signature.domain : signature.domain + ": " + signature.reason);
        add("arc", dkim::code_name(findings.dkim->arc.code), findings.dkim->arc.reason);
    }
    if (findings.dmarc)
        add("dmarc", dmarc::code_name(findings.dmarc->code),
            findings.dmarc->policy_domain.empty() ? findings.dmarc->reason
                                                  : fmt::format("{} {}={}", findings.dmarc->policy_domain,
                                                        findings.dmarc->tag, dmarc::policy_name(findings.dmarc->published)));
    return text::printable(text);
}

}  // namespace smtpd::authentication
