#include "lib/dmarc/report_writer.h"

#include <fmt/format.h>

#include "lib/address/mailbox.h"
#include "lib/message/writer.h"
#include "lib/text/text.h"

namespace dmarc {
namespace {

class Xml {
  public:
    void open(std::string_view name) {
        text_ += fmt::format("{:{}}<{}>\n", "", depth_ * 2, name);
        names_.emplace_back(name);
        ++depth_;
    }
    void close() {
        --depth_;
        text_ += fmt::format("{:{}}</{}>\n", "", depth_ * 2, names_.back());
        names_.pop_back();
    }
    void leaf(std::string_view name, std::string_view value) {
        text_ += fmt::format("{:{}}<{}>{}</{}>\n", "", depth_ * 2, name, escaped(value), name);
    }
    void leaf_if(std::string_view name, std::string_view value) {
        if (!value.empty())
            leaf(name, value);
    }
    std::string take() { return std::move(text_); }

  private:
    static std::string escaped(std::string_view value) {
        std::string out;
        for (char c : text::printable(value)) {
            switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            default: out += c;
            }
        }
        return out;
    }
    std::string text_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    std::vector<std::string> names_;
    int depth_ = 0;
};

void write_metadata(Xml& xml, const Report& report) {
    xml.open("report_metadata");
    xml.leaf("org_name", report.org_name);
    xml.leaf("email", report.email);
    xml.leaf_if("extra_contact_info", report.extra_contact_info);
    xml.leaf("report_id", report.report_id);
    xml.open("date_range");
    xml.leaf("begin", std::to_string(report.begin));
    xml.leaf("end", std::to_string(report.end));
    xml.close();
    for (const std::string& error : report.errors)
        xml.leaf("error", error);
    xml.leaf_if("generator", report.generator);
    xml.close();
}

void write_policy(Xml& xml, const Report& report) {
    xml.open("policy_published");
    xml.leaf("domain", report.domain);
    xml.leaf_if("adkim", report.adkim);
    xml.leaf_if("aspf", report.aspf);
    xml.leaf("p", report.p);
    xml.leaf("sp", report.sp.empty() ? report.p : report.sp);
    xml.leaf_if("np", report.np);
    xml.leaf_if("pct", report.pct);
    xml.leaf_if("testing", report.testing);
    xml.leaf_if("discovery_method", report.discovery_method);
    xml.leaf_if("fo", report.fo);
    xml.close();
}

void write_row(Xml& xml, const ReportRow& row) {
    xml.open("record");
    xml.open("row");
    xml.leaf("source_ip", row.source_ip);
    xml.leaf("count", std::to_string(row.count));
    xml.open("policy_evaluated");
    xml.leaf("disposition", row.disposition);
    xml.leaf("dkim", row.dkim);
    xml.leaf("spf", row.spf);
    for (const ReportReason& reason : row.reasons) {
        xml.open("reason");
        xml.leaf("type", reason.type);
        xml.leaf_if("comment", reason.comment);
        xml.close();
    }
    xml.close();
    xml.close();
    xml.open("identifiers");
    xml.leaf_if("envelope_to", row.envelope_to);
    xml.leaf("envelope_from", row.envelope_from);
    xml.leaf("header_from", row.header_from);
    xml.close();
    xml.open("auth_results");
    for (const ReportDkim& dkim : row.dkim_results) {
        xml.open("dkim");
        xml.leaf("domain", dkim.domain);
        xml.leaf_if("selector", dkim.selector);
        xml.leaf("result", dkim.result);
        xml.leaf_if("human_result", dkim.human_result);
        xml.close();
    }
    for (const ReportSpf& spf : row.spf_results) {
        xml.open("spf");
        xml.leaf("domain", spf.domain);
        xml.leaf_if("scope", spf.scope);
        xml.leaf("result", spf.result);
        xml.leaf_if("human_result", spf.human_result);
        xml.close();
    }
    xml.close();
    xml.close();
}

message::Address as_mailbox(std::string_view text) {
    const address::Mailbox mailbox = address::parse_text(text);
    return message::mailbox(mailbox.local, mailbox.domain);
}

}  // namespace

std::string write_report(const Report& report) {
    Xml xml;
    xml.open("feedback");
    xml.leaf("version", report.version.empty() ? "1.0" : report.version);
    write_metadata(xml, report);
    write_policy(xml, report);
    for (const ReportRow& row : report.rows)
        write_row(xml, row);
    xml.close();
    return xml.take();
}

std::string report_file_name(const Report& report, const std::string& submitter) {
    return fmt::format("{}!{}!{}!{}.xml.gz", submitter, report.domain, report.begin, report.end);
}

std::string write_report_mail(const Report& report, const ReportMail& mail, const std::string& gzip_file) {
    std::vector<message::Address> to;
    for (const std::string& address : mail.to)
        to.push_back(as_mailbox(address));
    const address::Mailbox id = address::parse_text(mail.message_id);
    const std::string file = report_file_name(report, mail.submitter);
    message::Writer out;
    out.addresses("From", {as_mailbox(mail.from)}).addresses("To", to);
    out.text("Subject",
        fmt::format("Report Domain: {} Submitter: {} Report-ID: <{}>", report.domain, mail.submitter, report.report_id));
    out.date("Date", mail.now).message_id(id.local, id.domain).structured("Auto-Submitted", "auto-generated");
    out.multipart("mixed", "=_report_" + report.report_id);
    out.part().content("text/plain", {{"charset", "us-ascii"}}).empty_line();
    out.body(
        fmt::format("This is an aggregate report about mail that claims to come from {},\r\n"
                    "as {} received it. The file beside this text has the figures.\r\n",
            report.domain, mail.submitter));
    out.part().content("application/gzip", {{"name", file}});
    out.parameterized("Content-Disposition", "attachment", {{"filename", file}});
    out.structured("Content-Transfer-Encoding", "base64").empty_line().base64(gzip_file);
    return out.close();
}

}  // namespace dmarc
