#include "lib/dmarc/report_reader.h"

#include <expat.h>

#include <memory>

#include "lib/text/text.h"

namespace dmarc {
namespace {

constexpr std::size_t kMaxList = 100;  // reasons, results, extensions of one row

class Reader {
  public:
    std::expected<Report, std::string> read(std::string_view xml);

  private:
    struct Free {
        void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
    };
    static Reader& of(void* data) { return *static_cast<Reader*>(data); }
    static void on_start(void* data, const XML_Char* name, const XML_Char** attributes) { of(data).start(name, attributes); }
    static void on_end(void* data, const XML_Char*) { of(data).end(); }
    static void on_text(void* data, const XML_Char* text, int length) {
        of(data).add_text({text, static_cast<std::size_t>(length)});
    }
    static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
        of(data).stop("a document type has no place in a report");
    }

    void start(std::string_view name, const XML_Char** attributes);
    void end();
    void add_text(std::string_view text);
    void stop(std::string reason);
    void open_list(std::string_view path);
    std::string* find_place(std::string_view path);
    void take_number(std::string_view path);

    std::unique_ptr<XML_ParserStruct, Free> parser_;
    Report report_;
    std::string path_;  // "feedback/record/row/count"
    std::vector<std::size_t> lengths_;
    std::string text_;
    std::string problem_;
    bool any_ = false;
};

template <class List>
typename List::value_type& add_entry(List& list) {
    if (list.size() < kMaxList)
        list.emplace_back();
    else
        list.back() = {};  // more than anybody reads: the last place is used again
    return list.back();
}

void Reader::stop(std::string reason) {
    if (problem_.empty())
        problem_ = std::move(reason);
    XML_StopParser(parser_.get(), XML_FALSE);
}

void Reader::open_list(std::string_view path) {
    if (path == "record") {
        if (report_.rows.size() == kMaxReportRows)
            return stop("more than " + std::to_string(kMaxReportRows) + " records");
        report_.rows.emplace_back();
    }
    if (path == "extensions/extension")
        add_entry(report_.extensions);
    if (report_.rows.empty())
        return;
    ReportRow& row = report_.rows.back();
    if (path == "record/row/policy_evaluated/reason")
        add_entry(row.reasons);
    else if (path == "record/auth_results/dkim")
        add_entry(row.dkim_results);
    else if (path == "record/auth_results/spf")
        add_entry(row.spf_results);
    else if (path == "record/extensions/extension")
        add_entry(row.extensions);
}

void Reader::start(std::string_view name, const XML_Char** attributes) {
    // A prefix says which namespace; both schemas use the same names.
    name = name.substr(name.find(':') + 1);
    if (lengths_.size() == kMaxReportDepth)
        return stop("elements stand more than " + std::to_string(kMaxReportDepth) + " deep");
    lengths_.push_back(path_.size());
    if (lengths_.size() == 1) {
        any_ = name == "feedback";
        return any_ ? void() : stop("the outermost element is not feedback");
    }
    if (!path_.empty())
        path_ += '/';
    path_ += name.substr(0, 100);
    text_.clear();
    open_list(path_);
    const bool mine = path_ == "extensions/extension";
    if (!mine && (path_ != "record/extensions/extension" || report_.rows.empty()))
        return;
    ReportExtension& extension = mine ? report_.extensions.back() : report_.rows.back().extensions.back();
    for (; *attributes != nullptr; attributes += 2) {
        const std::string_view key = attributes[0];
        if (key == "name")
            extension.name = std::string(attributes[1]).substr(0, kMaxReportText);
        else if (key == "definition")
            extension.definition = std::string(attributes[1]).substr(0, kMaxReportText);
    }
}

void Reader::add_text(std::string_view text) {
    if (text_.size() < kMaxReportText)
        text_ += text.substr(0, kMaxReportText - text_.size());
}

void Reader::take_number(std::string_view path) {
    const auto number = text::parse_number(text::trim(text_));
    if (!number)
        return;
    if (path == "report_metadata/date_range/begin")
        report_.begin = *number;
    else if (path == "report_metadata/date_range/end")
        report_.end = *number;
    else if (path == "record/row/count" && !report_.rows.empty())
        report_.rows.back().count = *number;
}

std::string* Reader::find_place(std::string_view path) {
    struct Place {
        std::string_view path;
        std::string Report::*member;
    };
    static constexpr Place kPlaces[] = {
        {"version", &Report::version},
        {"report_metadata/org_name", &Report::org_name},
        {"report_metadata/email", &Report::email},
        {"report_metadata/extra_contact_info", &Report::extra_contact_info},
        {"report_metadata/report_id", &Report::report_id},
        {"report_metadata/generator", &Report::generator},
        {"policy_published/domain", &Report::domain},
        {"policy_published/version_published", &Report::version_published},
        {"policy_published/adkim", &Report::adkim},
        {"policy_published/aspf", &Report::aspf},
        {"policy_published/p", &Report::p},
        {"policy_published/sp", &Report::sp},
        {"policy_published/np", &Report::np},
        {"policy_published/pct", &Report::pct},
        {"policy_published/testing", &Report::testing},
        {"policy_published/discovery_method", &Report::discovery_method},
        {"policy_published/fo", &Report::fo},
    };
    for (const Place& place : kPlaces)
        if (place.path == path)
            return &(report_.*place.member);
    if (report_.rows.empty())
        return nullptr;
    ReportRow& row = report_.rows.back();
    struct RowPlace {
        std::string_view path;
        std::string ReportRow::*member;
    };
    static constexpr RowPlace kRowPlaces[] = {
        {"record/row/source_ip", &ReportRow::source_ip},
        {"record/row/policy_evaluated/disposition", &ReportRow::disposition},
        {"record/row/policy_evaluated/dkim", &ReportRow::dkim},
        {"record/row/policy_evaluated/spf", &ReportRow::spf},
        {"record/identifiers/envelope_to", &ReportRow::envelope_to},
        {"record/identifiers/envelope_from", &ReportRow::envelope_from},
        {"record/identifiers/header_from", &ReportRow::header_from},
    };
    for (const RowPlace& place : kRowPlaces)
        if (place.path == path)
            return &(row.*place.member);
    const auto in = [&](std::string_view list, auto& entries, auto member, std::string_view name) -> std::string* {
        return path.starts_with(list) && path.substr(list.size()) == name && !entries.empty() ? &(entries.back().*member)
                                                                                              : nullptr;
    };
    constexpr std::string_view kReason = "record/row/policy_evaluated/reason/";
    constexpr std::string_view kDkim = "record/auth_results/dkim/", kSpf = "record/auth_results/spf/";
    for (std::string* found :
        {in(kReason, row.reasons, &ReportReason::type, "type"), in(kReason, row.reasons, &ReportReason::comment, "comment"),
            in(kDkim, row.dkim_results, &ReportDkim::domain, "domain"),
            in(kDkim, row.dkim_results, &ReportDkim::selector, "selector"),
            in(kDkim, row.dkim_results, &ReportDkim::result, "result"),
            in(kDkim, row.dkim_results, &ReportDkim::human_result, "human_result"),
            in(kSpf, row.spf_results, &ReportSpf::domain, "domain"), in(kSpf, row.spf_results, &ReportSpf::scope, "scope"),
            in(kSpf, row.spf_results, &ReportSpf::result, "result"),
            in(kSpf, row.spf_results, &ReportSpf::human_result, "human_result")})
        if (found != nullptr)
            return found;
    return nullptr;
}

void Reader::end() {
    if (lengths_.size() > 1) {
        if (std::string* place = find_place(path_))
            *place = text::trim(text_);
        else if (path_ == "report_metadata/error" && report_.errors.size() < kMaxList)
            report_.errors.emplace_back(text::trim(text_));
        else
            take_number(path_);
    }
    text_.clear();
    path_.resize(lengths_.back());
    lengths_.pop_back();
}

std::expected<Report, std::string> Reader::read(std::string_view xml) {
    parser_.reset(XML_ParserCreate(nullptr));
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), on_start, on_end);
    XML_SetCharacterDataHandler(parser_.get(), on_text);
    XML_SetStartDoctypeDeclHandler(parser_.get(), on_doctype);
    constexpr std::size_t kPiece = 1 << 20;
    bool last = false;
    for (std::size_t at = 0; !last; at += kPiece) {
        const std::string_view piece = xml.substr(std::min(at, xml.size()), kPiece);
        last = at + kPiece >= xml.size();
        if (XML_Parse(parser_.get(), piece.data(), static_cast<int>(piece.size()), last ? 1 : 0) == XML_STATUS_ERROR) {
            const std::string where = "line " + std::to_string(XML_GetCurrentLineNumber(parser_.get())) + ": ";
            return std::unexpected(where + (problem_.empty() ? XML_ErrorString(XML_GetErrorCode(parser_.get())) : problem_));
        }
    }
    if (!any_)
        return std::unexpected("there is no feedback element");
    return std::move(report_);
}

}  // namespace

std::expected<Report, std::string> read_report(std::string_view xml) { return Reader().read(xml); }

}  // namespace dmarc
