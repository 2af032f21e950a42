// smtpd/tools/mailauth/check.h - what the world sees of a domain, and what would mend it; for mailauth check.
//
// Each part adds one finding: ok, weak (works, but protects little), missing, wrong, or temperror. Remarks say what it is
// about, and records to publish stand as they belong into a zone file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/dict/network.h"
#include "smtpd/tools/mailauth/subcommand.h"

namespace mailauth {

class DomainCheck {
  public:
    DomainCheck(Invocation& call, std::string domain)
        : call_(call), resolver_(call.resolver()), domain_(std::move(domain)) {}

    event::Task<void> run(std::vector<std::string> selectors);

  private:
    // Worse ones are later.
    enum class State { ok, weak, missing, wrong, temperror };
    struct Finding {
        explicit Finding(std::string the_method) : method(std::move(the_method)) {}
        std::string method;
        State state = State::ok;
        std::vector<std::string> remarks;
        void add(State worse, std::string remark);
        // Trouble with the DNS, if it is that; whether it is.
        bool take_trouble(dns::Status status, const std::string& question, const std::string& reason);
    };
    struct Host {
        std::string name;
        std::vector<dict::IpAddress> addresses;
        bool secure = false;
    };

    event::Task<void> check_mx();
    event::Task<void> check_host(Finding& finding, std::string name);
    event::Task<void> check_ptr();
    event::Task<void> check_spf();
    event::Task<void> check_dkim(std::vector<std::string> selectors, bool given);
    event::Task<void> check_dmarc();
    event::Task<void> check_mta_sts();
    event::Task<void> check_tls_reports();
    event::Task<void> check_tlsa();
    // Of the texts at a name those that begin so.
    event::Task<std::vector<std::string>> find_texts(std::string name, std::string_view beginning, Finding& finding);
    void publish(const std::string& name, std::string_view content);
    void add(const Finding& finding);

    Invocation& call_;
    dns::Resolver& resolver_;
    std::string domain_;
    bool takes_no_mail_ = false;
    std::vector<Host> hosts_;
    std::vector<std::string> records_;  // to publish
};

}  // namespace mailauth
