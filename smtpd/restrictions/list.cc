// Reading restriction lists, and going through them.
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "smtpd/restrictions/entry.h"
#include "smtpd/services.h"

namespace smtpd {
namespace {

constexpr int kMaxDepth = 100;  // of restriction classes within classes

bool is_class(const Params& params, const std::string& name) {
    for (const std::string& known : params.restriction_classes())
        if (known == name)
            return true;
    return false;
}

// What postconf(5) documents but needs a probe, or another service that is not part of this program.
bool is_known_elsewhere(const std::string& name) {
    for (std::string_view prefix : {"reject_unverified_", "reject_rhsbl_reverse_client", "check_policy_service",
             "reject_maps_rbl", "permit_mx_backup", "permit_tls_", "reject_sender_login_mismatch",
             "reject_authenticated_sender_login_mismatch", "reject_unauthenticated_sender_login_mismatch",
             "reject_known_sender_login_mismatch", "check_ccert_access", "check_etrn_access"})
        if (name.starts_with(prefix))
            return true;
    return name.ends_with("_mx_access") || name.ends_with("_ns_access") || name.ends_with("_a_access");
}

bool takes_argument(const std::string& name) {
    return is_access_check(name) || is_list_check(name) || name == "reject_rhsbl_reverse_client" ||
           name == "check_policy_service" || (name.starts_with("check_") && name.ends_with("_access"));
}

}  // namespace

Verdict evaluate_list(const Restrictions::List& list, const Context& context) {
    for (const auto& entry : list) {
        Verdict verdict = entry->check(context);
        if (verdict.kind == Verdict::Kind::dunno)
            continue;
        if (verdict.kind == Verdict::Kind::pending)
            return verdict;
        bool notes_only = verdict.kind == Verdict::Kind::hold || verdict.kind == Verdict::Kind::discard ||
                          verdict.kind == Verdict::Kind::warn;
        if (entry->warn_only && verdict.kind == Verdict::Kind::reject) {
            verdict.kind = Verdict::Kind::warn;
            verdict.log_text = verdict.reply.text();
            notes_only = true;
        }
        if (!notes_only)
            return verdict;
        bool ends = verdict.kind == Verdict::Kind::discard;
        context.notes.push_back(verdict);
        if (ends)
            return permit();
    }
    return dunno();
}

Restrictions::List Restrictions::parse(
    const std::string& parameter, const config::List& words, const Params& params, config::MainCf& main_cf, int depth) {
    List result;
    bool warn_next = false;
    auto add = [&](std::function<Verdict(const Context&)> check) -> Entry& {
        auto entry = std::make_unique<Entry>();
        entry->check = std::move(check);
        entry->warn_only = std::exchange(warn_next, false);
        result.push_back(std::move(entry));
        return *result.back();
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        std::string name = word;
        if (name == "warn_if_reject") {
            warn_next = true;
            continue;
        }
        // A bare "type:table" is an access table for what the stage is about (old form of main.cf).
        if (name.find(':') != std::string::npos) {
            std::string subject = parameter.find("client") != std::string::npos   ? "check_client_access"
                                  : parameter.find("helo") != std::string::npos   ? "check_helo_access"
                                  : parameter.find("sender") != std::string::npos ? "check_sender_access"
                                                                                  : "check_recipient_access";
            Entry& entry = add(nullptr);
            entry.table = std::make_unique<dict::TableList>(dict::TableList::open(parameter, {word}));
            entry.check = [subject, &entry, &params](
                              const Context& c) { return check_access(subject, *entry.table, c, params); };
            problems_.insert(problems_.end(), entry.table->problems().begin(), entry.table->problems().end());
            continue;
        }
        bool has_argument = takes_argument(name) && i + 1 < words.size();
        if (is_access_check(name)) {
            if (!has_argument) {
                problems_.push_back(parameter + ": " + name + " needs a table behind it");
                add([name](const Context&) { return trouble(name + " without a table"); });
                continue;
            }
            Entry& entry = add(nullptr);
            entry.table = std::make_unique<dict::TableList>(dict::TableList::open(parameter, {words[++i]}));
            entry.check = [name, &entry, &params](const Context& c) { return check_access(name, *entry.table, c, params); };
            problems_.insert(problems_.end(), entry.table->problems().begin(), entry.table->problems().end());
            continue;
        }
        if (is_list_check(name)) {
            auto check = has_argument ? make_list_check(name, words[++i])
                                      : std::unexpected(name + " needs the domain of a list behind it");
            if (check) {
                needs_dns_ = true;
                add(std::move(*check));
            } else {
                problems_.push_back(parameter + ": " + check.error());
                add([reason = check.error()](const Context&) { return trouble(reason); });
            }
            continue;
        }
        if (auto check = find_dns_check(name)) {
            needs_dns_ = true;
            add(std::move(check));
            continue;
        }
        if (auto check = find_check(name, params)) {
            add(std::move(check));
            continue;
        }
        if (is_class(params, name) && depth < kMaxDepth) {
            config::List inner = config::split_list(main_cf.get(name).value_or(""));
            List nested = parse(name, inner, params, main_cf, depth + 1);
            Entry& entry = add(nullptr);
            entry.nested = std::move(nested);
            entry.check = [&entry](const Context& c) { return evaluate_list(entry.nested, c); };
            continue;
        }
        if (is_known_elsewhere(name)) {
            // It can only make the list stricter or let a mail server through earlier; without it relaying is as
            // closed as before.
            problems_.push_back(parameter + ": " + name + " is not evaluated by this version");
            if (has_argument)
                ++i;
            warn_next = false;
            continue;
        }
        problems_.push_back(parameter + ": there is no restriction \"" + name + "\"; mail is deferred until it is mended");
        add([name](const Context&) {
            Verdict verdict = trouble("unknown smtpd restriction: \"" + name + "\"");
            verdict.reply = smtp::Reply(451, "4.3.5", "Server configuration error");
            return verdict;
        });
    }
    return result;
}

Restrictions::Restrictions(const Params& params, config::MainCf& main_cf) {
    lists_.push_back(parse("smtpd_client_restrictions", params.client_restrictions(), params, main_cf, 0));
    lists_.push_back(parse("smtpd_helo_restrictions", params.helo_restrictions(), params, main_cf, 0));
    lists_.push_back(parse("smtpd_sender_restrictions", params.sender_restrictions(), params, main_cf, 0));
    lists_.push_back(parse("smtpd_relay_restrictions", params.relay_restrictions(), params, main_cf, 0));
    lists_.push_back(parse("smtpd_recipient_restrictions", params.recipient_restrictions(), params, main_cf, 0));
    lists_.push_back(parse("smtpd_data_restrictions", params.data_restrictions(), params, main_cf, 0));
    lists_.push_back(parse("smtpd_end_of_data_restrictions", params.end_of_data_restrictions(), params, main_cf, 0));
    rewrite_clients_ = parse("local_header_rewrite_clients", params.local_header_rewrite_clients(), params, main_cf, 0);
}

Restrictions::~Restrictions() = default;

Verdict Restrictions::evaluate(
    Stage stage, const Facts& facts, const Services& services, std::vector<Verdict>& notes, DnsAnswers& answers) const {
    Context context{facts, services, stage, notes, answers};
    return evaluate_list(list(stage), context);
}

bool Restrictions::permits(const Facts& facts, const Services& services) const {
    std::vector<Verdict> notes;
    DnsAnswers answers;
    Context context{facts, services, Stage::client, notes, answers};
    return evaluate_list(rewrite_clients_, context).kind == Verdict::Kind::permit;
}

bool Restrictions::stale() const {
    auto any = [](const List& list, const auto& self) -> bool {
        for (const auto& entry : list)
            if ((entry->table && entry->table->stale()) || self(entry->nested, self))
                return true;
        return false;
    };
    for (const List& list : lists_)
        if (any(list, any))
            return true;
    return false;
}

}  // namespace smtpd
