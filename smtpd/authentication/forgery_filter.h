// smtpd/authentication/forgery_filter.h - takes out of a header what only this host may write.
//
//     filter.take(octets, out);      // as often as there is something; out gets what stays
//     filter.finish(out);
//
// Those are Authentication-Results fields in our own name, whoever's hand they are from: a reader behind us would believe
// them. Everything else, and the whole body, passes unchanged.
//
// Standards   RFC 8601, 5 and 4.1
// Trust       the header is a stranger's, cut anywhere. A field is held back only while it may be one of these, at most
//             kMaxField octets of it; one that is longer is taken out, since nobody can tell where it leads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace smtpd::authentication {

class ForgeryFilter {
  public:
    static constexpr std::size_t kMaxField = 65536;

    explicit ForgeryFilter(std::string authserv_id) : authserv_id_(std::move(authserv_id)) {}

    void take(std::string_view octets, std::string& out);
    void finish(std::string& out);
    int removed() const { return removed_; }

  private:
    void hold(std::string_view part, std::string& out);
    void end_field(std::string& out);
    bool is_results_field() const;

    std::string authserv_id_;
    std::string held_;  // the field so far
    enum class Fate { unknown, passes, dropped } fate_ = Fate::unknown;
    bool at_line_start_ = true, after_cr_ = false, in_body_ = false;
    int removed_ = 0;
};

}  // namespace smtpd::authentication
