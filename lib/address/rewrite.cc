#include "lib/address/rewrite.h"

#include "lib/config/logical_lines.h"
#include "lib/text/text.h"

namespace address {

RewriteRules rewrite_rules(const config::CommonParams& params) {
    RewriteRules rules{params.myorigin(), params.mydomain(), params.swap_bangpath(), params.allow_percent_hack(),
        params.append_at_myorigin(), params.append_dot_mydomain()};
    if (rules.myorigin.starts_with('/')) {
        auto content = config::read_text_file(rules.myorigin);
        std::string_view first = content ? text::trim(*content) : std::string_view();
        first = first.substr(0, first.find_first_of(" \t\r\n"));
        rules.myorigin = first.empty() ? params.myhostname() : std::string(first);
    }
    return rules;
}

Mailbox rewrite(Mailbox mailbox, const RewriteRules& rules) {
    if (mailbox.empty())
        return mailbox;
    std::string& local = mailbox.local;
    std::string& domain = mailbox.domain;
    if (domain.empty() && rules.swap_bangpath) {
        // site!user, and site1!site2!user: the first site is the next one.
        std::size_t bang = local.find('!');
        if (bang != std::string::npos && bang > 0 && bang + 1 < local.size() && local.find('@') == std::string::npos) {
            domain = local.substr(0, bang);
            local.erase(0, bang + 1);
        }
    }
    if (domain.empty()) {
        std::size_t at = local.rfind('@');
        if (at == std::string::npos && rules.percent_hack)
            at = local.rfind('%');
        if (at != std::string::npos && at > 0 && at + 1 < local.size()) {
            domain = local.substr(at + 1);
            local.erase(at);
        }
    }
    if (domain.empty() && rules.append_at_myorigin)
        domain = rules.myorigin;
    if (domain.size() > 1 && domain.ends_with('.')) {
        domain.pop_back();
    } else if (rules.append_dot_mydomain && !domain.empty() && domain.front() != '[' &&
               domain.find('.') == std::string::npos) {
        domain += "." + rules.mydomain;
    }
    return mailbox;
}

bool has_routing(std::string_view local, const RewriteRules& rules) {
    return local.find('@') != std::string_view::npos || (rules.percent_hack && local.find('%') != std::string_view::npos) ||
           (rules.swap_bangpath && local.find('!') != std::string_view::npos);
}

}  // namespace address
