// The interpreter's face: one script, or several in a row; and calls in words.
#include <algorithm>

#include "lib/sieve/checks.h"
#include "lib/sieve/language.h"
#include "lib/sieve/machine.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kMaxShown = 80;
    std::string_view shown = cut_utf8(text, kMaxShown);
    std::string clean = text::printable(shown);
    return fmt::format("\"{}{}\"", clean, shown.size() < text.size() ? "..." : "");
}

void append_texts(std::string& out, const Code& code, std::span<const std::uint32_t> texts) {
    constexpr std::size_t kMaxItems = 4;
    if (texts.size() != 1)
        out += '[';
    for (std::size_t i = 0; i < texts.size() && i < kMaxItems; ++i) {
        if (i > 0)
            out += ", ";
        const std::string* constant = code.constant(texts[i]);
        if (constant != nullptr) {
            out += in_quotes(*constant);
            continue;
        }
        std::string shown;
        for (const Piece& piece : code.texts[texts[i]].pieces)
            shown += piece.kind == Piece::Kind::literal ? code.literals[piece.index] : "${...}";
        out += in_quotes(shown);
    }
    if (texts.size() > kMaxItems)
        out += fmt::format(", {} more", texts.size() - kMaxItems);
    if (texts.size() != 1)
        out += ']';
}

// Scripts of a sequence do not know of each other: what an earlier one has decided stands.
void append_actions(Outcome& all, std::vector<Action>& actions) {
    using Kind = Action::Kind;
    for (Action& fresh : actions) {
        auto same = [&](const Action& old) {
            bool refuses = fresh.kind == Kind::reject || fresh.kind == Kind::ereject;
            return (old.kind == Kind::fileinto && fresh.kind == Kind::fileinto && old.mailbox == fresh.mailbox &&
                       old.special_use == fresh.special_use && old.mailbox_id == fresh.mailbox_id) ||
                   (old.kind == Kind::redirect && fresh.kind == Kind::redirect && old.address == fresh.address) ||
                   (old.kind == Kind::vacation && fresh.kind == Kind::vacation) ||
                   (refuses && (old.kind == Kind::fileinto || old.kind == Kind::redirect));
        };
        auto old = std::ranges::find_if(all.actions, same);
        if (old == all.actions.end())
            all.actions.push_back(std::move(fresh));
        else
            all.warnings.push_back(fmt::format("{}:{}: left out, because {}:{} did this or delivered the message",
                fresh.cause.script, fresh.cause.line, old->cause.script, old->cause.line));
    }
}

}  // namespace

std::string describe_call(const Machine& machine, const Call& call) {
    const Code& code = machine.code();
    std::string_view name = call_name(call.kind);
    bool foreign = call.kind == CallKind::foreign_test || call.kind == CallKind::foreign_command;
    if (foreign && machine.foreign() != nullptr && call.foreign < machine.foreign()->definitions().size())
        name = machine.foreign()->definitions()[call.foreign].name;
    std::string out(name);
    if (call.has(Slot::address_part))
        out += fmt::format(" {}", address_part_name(static_cast<AddressPart>(call.number(Slot::address_part))));
    if (const Argument* type = call.find(Slot::match_type)) {
        auto match = static_cast<MatchType>(type->number);
        out += fmt::format(" {}", match_type_name(match));
        if (match == MatchType::value || match == MatchType::count)
            out += fmt::format(" \"{}\"", relation_name(static_cast<Relation>(call.number(Slot::relation))));
    }
    if (const Argument* index = call.find(Slot::index))
        out += fmt::format(" :index {}", index->number);
    for (auto [slot, tag] : {std::pair{Slot::mime, ":mime"}, {Slot::anychild, ":anychild"}, {Slot::last, ":last"},
             {Slot::copy, ":copy"}, {Slot::create, ":create"}})
        if (call.has(slot))
            out += fmt::format(" {}", tag);
    if (const Argument* mode = call.find(Slot::size_mode))
        out += fmt::format(" {} {}", mode->number == 0 ? ":over" : ":under", call.number(Slot::size_limit));
    for (const Argument& argument : call.arguments) {
        if (argument.texts.empty() || argument.slot == Slot::relation || argument.slot == Slot::comparator)
            continue;
        out += ' ';
        append_texts(out, code, argument.texts);
    }
    return out;
}

Interpreter::Interpreter(const Message& message, Host& host, const Settings& settings, RunOptions options)
    : machine_(std::make_unique<Machine>(message, host, settings, options)) {}
Interpreter::~Interpreter() = default;

Outcome Interpreter::run(const Program& program) { return machine_->run(program); }

Outcome Interpreter::run_all(std::span<const std::shared_ptr<const Program>> programs) {
    Outcome all;
    Action keep;
    keep.implicit = true;
    keep.mailbox = machine_->settings().default_mailbox;
    all.actions.push_back(keep);
    for (const auto& program : programs) {
        Outcome one = machine_->run(*program);
        bool kept = one.keeps();
        // The keep that led here is the next script's to decide about.
        std::erase_if(all.actions, [](const Action& action) { return action.kind == Action::Kind::keep; });
        append_actions(all, one.actions);
        all.warnings.insert(all.warnings.end(), one.warnings.begin(), one.warnings.end());
        all.trace.insert(all.trace.end(), one.trace.begin(), one.trace.end());
        all.instructions += one.instructions;
        all.status = one.status;
        all.error = std::move(one.error);
        if (all.status == Outcome::Status::temporary_failure)
            all.actions.clear();
        if (all.status != Outcome::Status::done || !kept)
            break;
    }
    return all;
}

bool Outcome::keeps() const {
    return std::ranges::any_of(actions, [](const Action& action) { return action.kind == Action::Kind::keep; });
}

}  // namespace sieve
