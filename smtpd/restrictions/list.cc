// Reading restriction lists, and going through them.
#include "lib/dns/name.h"
#include "lib/log/log.h"
#include "lib/text/text.h"
#include "smtpd/restrictions/entry.h"
#include "smtpd/services.h"

namespace smtpd {
namespace {

constexpr int kMaxDepth = 100;  // of restriction classes within classes

using Entry = Restrictions::Entry;

// A bare "type:table" is an access table for what the stage is about (old form of main.cf).
std::string_view access_check_for(const std::string& parameter) {
    return parameter.find("client") != std::string::npos   ? "check_client_access"
           : parameter.find("helo") != std::string::npos   ? "check_helo_access"
           : parameter.find("sender") != std::string::npos ? "check_sender_access"
                                                           : "check_recipient_access";
}

// "domain" or "domain=filter"; what is wrong with it.
std::string read_dns_list(Entry& entry, const std::string& argument) {
    std::size_t equals = argument.find('=');
    entry.list = argument.substr(0, equals);
    auto filter = ReplyFilter::parse(equals == std::string::npos ? "" : std::string_view(argument).substr(equals + 1));
    if (!filter)
        return fmt::format("{}: {}", entry.name, filter.error());
    if (!dns::can_be_asked(entry.list))
        return fmt::format("{}: \"{}\" is no domain", entry.name, entry.list);
    entry.filter = std::move(*filter);
    return {};
}

std::string_view kind_name(Verdict::Kind kind) {
    switch (kind) {
    case Verdict::Kind::dunno: return "nothing";
    case Verdict::Kind::permit: return "permit";
    case Verdict::Kind::reject: return "reject";
    case Verdict::Kind::hold: return "hold";
    case Verdict::Kind::discard: return "discard";
    case Verdict::Kind::warn: return "warn";
    }
    return "";
}

void write_down(const Context& context, const Entry& entry, const Verdict& verdict) {
    if (context.asker().record == nullptr)
        return;
    std::string said = fmt::format("{}: {}", entry.name, kind_name(verdict.kind));
    if (verdict.kind == Verdict::Kind::reject)
        said += " " + verdict.reply.text();
    else if (!verdict.log_text.empty())
        said += " " + verdict.log_text;
    context.asker().record->decided(std::move(said));
}

event::Task<Verdict> evaluate_entry(const Entry& entry, const Context& context) {
    if (!entry.wrong.empty()) {
        Verdict verdict = trouble(entry.wrong);
        if (entry.is_unknown)
            verdict.reply = smtp::Reply(451, "4.3.5", "Server configuration error");
        co_return verdict;
    }
    if (entry.nested != nullptr) {
        Context inner = context;
        if (++inner.depth > kMaxDepth)
            co_return trouble(entry.name + ": restriction classes are nested too deeply");
        co_return co_await evaluate_list(*entry.nested, inner);
    }
    co_return co_await entry.row->check(context, entry);
}

}  // namespace

event::Task<Verdict> evaluate_list(const Restrictions::List& list, Context context) {
    for (const auto& entry : list) {
        Verdict verdict = co_await evaluate_entry(*entry, context);
        write_down(context, *entry, verdict);
        if (verdict.kind == Verdict::Kind::dunno)
            continue;
        bool notes_only = verdict.kind == Verdict::Kind::hold || verdict.kind == Verdict::Kind::discard ||
                          verdict.kind == Verdict::Kind::warn;
        if (entry->warn_only && verdict.kind == Verdict::Kind::reject) {
            verdict.kind = Verdict::Kind::warn;
            verdict.log_text = verdict.reply.text();
            notes_only = true;
        }
        if (!notes_only)
            co_return verdict;
        bool ends = verdict.kind == Verdict::Kind::discard;
        context.notes.push_back(verdict);
        if (ends)
            co_return permit();
    }
    co_return dunno();
}

std::unique_ptr<Restrictions::Entry> Restrictions::make_entry(
    const std::string& parameter, const Row& row, std::string argument, bool may_open) const {
    auto entry = std::make_unique<Entry>();
    entry->row = &row;
    entry->name = row.name;
    if (!argument.empty())
        entry->name += " " + argument;
    if (row.argument != Argument::none && argument.empty())
        entry->wrong = entry->name + (row.argument == Argument::dns_list ? " needs the domain of a list behind it"
                                                                         : " needs a table behind it");
    else if (row.argument == Argument::access_table && may_open)
        entry->table = std::make_unique<dict::TableList>(dict::TableList::open(parameter, {argument}));
    else if (row.argument == Argument::access_table)
        entry->wrong = fmt::format(
            "{}: an access table cannot name another; a class can (smtpd_restriction_classes)", entry->name);
    else if (row.argument == Argument::dns_list)
        entry->wrong = read_dns_list(*entry, argument);
    return entry;
}

// The entry that begins at words[next], which moves behind it; nullptr where nothing is to be evaluated. `problem` is for
// the log at start.
std::unique_ptr<Restrictions::Entry> Restrictions::take_entry(
    const std::string& parameter, const config::List& words, std::size_t& next, bool may_open, std::string& problem) const {
    const std::string& word = words[next++];
    if (word.find(':') != std::string::npos)
        return make_entry(parameter, *find_row(access_check_for(parameter)), word, may_open);
    if (const Row* row = find_row(text::lower(word))) {
        std::string argument;
        if (row->argument != Argument::none && next < words.size())
            argument = words[next++];
        if (row->check == nullptr) {
            // It can only make the list stricter or let a mail server through earlier; without it relaying is as closed as
            // before.
            problem = word + " is not evaluated by this version";
            return nullptr;
        }
        auto entry = make_entry(parameter, *row, std::move(argument), may_open);
        problem = entry->wrong;
        return entry;
    }
    auto entry = std::make_unique<Entry>();
    entry->name = word;
    if (auto named = classes_.find(word); named != classes_.end()) {
        entry->nested = &named->second;
        return entry;
    }
    problem = "there is no restriction \"" + word + "\"; mail is deferred until it is mended";
    entry->wrong = "unknown smtpd restriction: \"" + word + "\"";
    entry->is_unknown = true;
    return entry;
}

Restrictions::List Restrictions::parse(const std::string& parameter, const config::List& words) {
    List result;
    bool warn_next = false;
    for (std::size_t next = 0; next < words.size();) {
        if (words[next] == "warn_if_reject") {
            warn_next = true;
            ++next;
            continue;
        }
        std::string problem;
        std::unique_ptr<Entry> entry = take_entry(parameter, words, next, true, problem);
        bool warn_only = std::exchange(warn_next, false);
        if (!problem.empty())
            problems_.push_back(parameter + ": " + problem);
        if (!entry)
            continue;
        entry->warn_only = warn_only;
        if (entry->table)
            problems_.insert(problems_.end(), entry->table->problems().begin(), entry->table->problems().end());
        may_need_dns_ = may_need_dns_ || entry->table;
        needs_dns_ = needs_dns_ || (entry->row != nullptr && entry->row->asks_dns && entry->wrong.empty());
        result.push_back(std::move(entry));
    }
    return result;
}

Restrictions::List Restrictions::parse_right_side(const config::List& words) const {
    List result;
    bool warn_next = false;
    for (std::size_t next = 0; next < words.size();) {
        if (text::equal_ignoring_case(words[next], "warn_if_reject")) {
            warn_next = true;
            ++next;
            continue;
        }
        std::string problem;
        std::unique_ptr<Entry> entry = take_entry("", words, next, false, problem);
        bool warn_only = std::exchange(warn_next, false);
        if (!entry) {
            logging::warning("access table: {}", problem);
            continue;
        }
        entry->warn_only = warn_only;
        result.push_back(std::move(entry));
    }
    return result;
}

// Every class has its place before any is read: they may name each other.
void Restrictions::parse_classes(const Params& params, config::MainCf& main_cf) {
    for (const std::string& name : params.restriction_classes())
        if (find_row(name) == nullptr)
            classes_.try_emplace(name);
    for (auto& [name, list] : classes_)
        list = parse(name, config::split_list(main_cf.get(name).value_or("")));
}

Restrictions::Restrictions(const Params& params, config::MainCf& main_cf) {
    parse_classes(params, main_cf);
    lists_.push_back(parse("smtpd_client_restrictions", params.client_restrictions()));
    lists_.push_back(parse("smtpd_helo_restrictions", params.helo_restrictions()));
    lists_.push_back(parse("smtpd_sender_restrictions", params.sender_restrictions()));
    lists_.push_back(parse("smtpd_relay_restrictions", params.relay_restrictions()));
    lists_.push_back(parse("smtpd_recipient_restrictions", params.recipient_restrictions()));
    lists_.push_back(parse("smtpd_data_restrictions", params.data_restrictions()));
    lists_.push_back(parse("smtpd_end_of_data_restrictions", params.end_of_data_restrictions()));
    rewrite_clients_ = parse("local_header_rewrite_clients", params.local_header_rewrite_clients());
}

Restrictions::~Restrictions() = default;

event::Task<Verdict> Restrictions::evaluate(
    const Inquiry& inquiry, Stage stage, const Facts& facts, const Services& services, std::vector<Verdict>& notes) const {
    Context context{inquiry, facts, services, *this, stage, notes};
    co_return co_await evaluate_list(list(stage), context);
}

event::Task<Verdict> Restrictions::may_complete_headers(
    const Inquiry& inquiry, const Facts& facts, const Services& services) const {
    std::vector<Verdict> notes;
    Context context{inquiry, facts, services, *this, Stage::client, notes};
    co_return co_await evaluate_list(rewrite_clients_, context);
}

event::Task<Verdict> Restrictions::check_listed(
    const Inquiry& inquiry, Stage stage, const Facts& facts, const Services& services) const {
    std::vector<Verdict> notes;
    Context context{inquiry, facts, services, *this, stage, notes};
    Entry entry;
    entry.name = stage == Stage::sender ? "smtpd_reject_unlisted_sender" : "smtpd_reject_unlisted_recipient";
    entry.row = find_row(stage == Stage::sender ? "reject_unlisted_sender" : "reject_unlisted_recipient");
    Verdict verdict = co_await entry.row->check(context, entry);
    write_down(context, entry, verdict);
    co_return verdict;
}

bool Restrictions::stale() const {
    auto any = [](const List& list) {
        for (const auto& entry : list)
            if (entry->table && entry->table->stale())
                return true;
        return false;
    };
    for (const List& list : lists_)
        if (any(list))
            return true;
    for (const auto& [name, list] : classes_)
        if (any(list))
            return true;
    return any(rewrite_clients_);
}

}  // namespace smtpd
