#include "lib/dmarc/report_mail.h"

#include "lib/dmarc/inflate.h"
#include "lib/dmarc/report_reader.h"
#include "lib/message/date.h"
#include "lib/message/header.h"
#include "lib/message/structure.h"
#include "lib/message/transfer.h"
#include "lib/text/text.h"

namespace dmarc {
namespace {

using Failed = std::unexpected<std::string>;

constexpr std::size_t kMaxRepeated = 100;

bool is_packed(std::string_view content) { return content.starts_with("\x1f\x8b") || content.starts_with("PK\x03\x04"); }

bool is_xml(std::string_view content) {
    if (content.starts_with("\xef\xbb\xbf"))
        content.remove_prefix(3);
    content = text::trim(content);
    return content.starts_with("<?xml") || content.starts_with("<feedback") || content.starts_with("<!");
}

bool is_json(std::string_view content) { return text::trim(content).starts_with('{'); }

bool may_be_report(std::string_view content) { return is_packed(content) || is_xml(content) || is_json(content); }

std::string decoded_body(std::string_view text, const message::Part& part) {
    const std::string_view body = text.substr(part.body.raw, part.end.raw - part.body.raw);
    return message::decode_transfer(body, part.encoding);
}

template <class Kind>
std::expected<AnyReport, std::string> any(std::expected<Kind, std::string> report) {
    if (!report)
        return Failed(report.error());
    return AnyReport(std::move(*report));
}

std::expected<AnyReport, std::string> read_file(std::string_view file) {
    const auto content = unpack(file);
    if (!content)
        return Failed(content.error());
    return is_json(*content) ? any(read_tls_report(*content)) : any(read_report(*content));
}

struct TextField {
    std::string_view name;
    std::string Feedback::*member;
    bool lower = false;
};
constexpr TextField kTextFields[] = {
    {"feedback-type", &Feedback::type, true},
    {"user-agent", &Feedback::user_agent},
    {"original-envelope-id", &Feedback::original_envelope_id},
    {"original-mail-from", &Feedback::original_mail_from},
    {"original-rcpt-to", &Feedback::original_rcpt_to},
    {"source-ip", &Feedback::source_ip},
    {"auth-failure", &Feedback::auth_failure, true},
    {"delivery-result", &Feedback::delivery_result, true},
    {"identity-alignment", &Feedback::identity_alignment, true},
    {"dkim-domain", &Feedback::dkim_domain},
    {"dkim-identity", &Feedback::dkim_identity},
    {"dkim-selector", &Feedback::dkim_selector},
    {"dkim-selector-dns", &Feedback::dkim_selector_dns},
    {"dkim-adsp-dns", &Feedback::dkim_adsp_dns},
    {"dkim-canonicalized-header", &Feedback::dkim_canonicalized_header},
    {"dkim-canonicalized-body", &Feedback::dkim_canonicalized_body},
    {"spf-dns", &Feedback::spf_dns},
};

struct NumberField {
    std::string_view name;
    std::uint64_t Feedback::*member;
};
constexpr NumberField kNumberFields[] = {
    {"version", &Feedback::version},
    {"incidents", &Feedback::incidents},
    {"source-port", &Feedback::source_port},
};

struct ListField {
    std::string_view name;
    std::vector<std::string> Feedback::*member;
};
constexpr ListField kListFields[] = {
    {"authentication-results", &Feedback::authentication_results},
    {"reported-domain", &Feedback::reported_domains},
    {"reported-uri", &Feedback::reported_uris},
};

void take_field(Feedback& feedback, std::string_view name, std::string_view value) {
    for (const TextField& field : kTextFields)
        if (field.name == name)
            feedback.*field.member = field.lower ? text::lower(value) : std::string(value);
    for (const NumberField& field : kNumberFields)
        if (const auto number = text::parse_number(value); field.name == name && number)
            feedback.*field.member = *number;
    for (const ListField& field : kListFields)
        if (field.name == name && (feedback.*field.member).size() < kMaxRepeated)
            (feedback.*field.member).emplace_back(value);
    if (name == "arrival-date" || name == "received-date") {
        if (const auto date = message::parse_date(value))
            feedback.arrival_date = date->utc;
    }
    if (name == "reporting-mta")  // "dns; mail.example.test"
        feedback.reporting_mta = text::trim(value.substr(value.find(';') + 1));
}

Feedback read_feedback(std::string_view fields) {
    Feedback feedback;
    message::HeaderReader reader(fields);
    while (auto field = reader.next())
        take_field(feedback, text::lower(field->name), text::trim(field->body));
    return feedback;
}

bool is_type(const message::Part& part, std::string_view type, std::string_view subtype) {
    return text::equal_ignoring_case(part.type, type) && text::equal_ignoring_case(part.subtype, subtype);
}

std::expected<AnyReport, std::string> find_feedback(
    std::string_view text, const message::Structure& structure, const message::Part& report) {
    Feedback feedback = read_feedback(decoded_body(text, report));
    if (feedback.type.empty())
        return Failed("message/feedback-report has no Feedback-Type");
    for (const message::Part& part : structure.parts) {
        if (part.parent != report.parent || &part == &report)
            continue;
        if (is_type(part, "message", "rfc822"))
            feedback.message = decoded_body(text, part);
        else if (is_type(part, "text", "rfc822-headers"))
            feedback.headers = decoded_body(text, part);
    }
    return AnyReport(std::move(feedback));
}

}  // namespace

std::expected<AnyReport, std::string> find_report(std::string_view content) {
    if (may_be_report(content))
        return read_file(content);
    const message::Structure structure = message::parse_structure(content);
    for (const message::Part& part : structure.parts)
        if (is_type(part, "message", "feedback-report"))
            return find_feedback(content, structure, part);
    std::string reason = "there is no report in it";
    for (const message::Part& part : structure.parts) {
        if (part.kind != message::Part::Kind::leaf)
            continue;
        const std::string body = decoded_body(content, part);
        if (!may_be_report(body))
            continue;
        auto report = read_file(body);
        if (report)
            return report;
        reason = report.error();
    }
    return Failed(reason);
}

}  // namespace dmarc
