#include "lib/sieve/machine.h"

#include <algorithm>

#include "lib/sieve/checks.h"
#include "lib/sieve/comparator.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

constexpr std::uint64_t kClockEvery = 512;  // instructions between looks at the clock
constexpr std::size_t kMaxRegexes = 1000;
constexpr std::size_t kMaxTrace = 20'000;
constexpr std::size_t kMaxWarnings = 50;

}  // namespace

Machine::Machine(const Message& message, Host& host, const Settings& settings, RunOptions options)
    : message_(&message), host_(host), settings_(settings), options_(options) {}

void Machine::set_message(const Message& message) {
    message_ = &message;
    forget_edits();
    seen_duplicates.clear();
    flags_known = false;
}

void Machine::forget_edits() {
    header_.reset();
    header_text_.reset();
}

void Machine::charge(std::uint64_t instructions) {
    instructions_ += instructions;
    if (instructions_ > limits().instructions)
        fail(fmt::format("the script was stopped after {} instructions", limits().instructions));
    if (instructions_ < next_clock_)
        return;
    next_clock_ = instructions_ + kClockEvery;
    if (std::chrono::steady_clock::now() - begin_ > limits().cpu_time)
        fail(fmt::format("the script was stopped after {} ms", limits().cpu_time.count()));
}

void Machine::charge_memory(std::size_t octets) {
    memory_ += octets;
    if (memory_ > limits().memory_octets)
        fail(fmt::format("the script was stopped because it needs more than {} octets", limits().memory_octets));
}

void Machine::warn(std::string text) {
    if (warnings_.size() < kMaxWarnings)
        warnings_.push_back(fmt::format("{}:{}: {}", code_->units[frames_.back().unit].name, line_, text));
}

void Machine::note(TraceStep::Kind kind, std::string text, bool result) {
    if (options_.trace && trace_.size() < kMaxTrace)
        trace_.push_back({kind, code_->units[frames_.back().unit].name, line_, std::move(text), result});
}

Cause Machine::cause() const {
    Cause cause;
    cause.script = code_->units[frames_.back().unit].name;
    cause.line = line_;
    if (last_true_ != nullptr) {
        cause.test_line = test_line_;
        cause.test = describe_call(*this, *last_true_);
    }
    return cause;
}

// ---- texts and variables

std::string_view Machine::text(std::uint32_t id) {
    if (const std::string* constant = code_->constant(id))
        return *constant;
    std::string& out = scratch_.emplace_back();
    for (const Piece& piece : code_->texts[id].pieces) {
        switch (piece.kind) {
        case Piece::Kind::literal: out += code_->literals[piece.index]; break;
        case Piece::Kind::local:
            if (piece.index < frames_.back().locals.size())
                out += frames_.back().locals[piece.index];
            break;
        case Piece::Kind::global: out += globals_[piece.index]; break;
        case Piece::Kind::match:
            if (piece.index < match_values_.size())
                out += match_values_[piece.index];
            break;
        default: out += host_.environment(code_->literals[piece.index]).value_or(""); break;
        }
        if (out.size() > limits().string_octets)
            fail(fmt::format("a string became longer than {} octets", limits().string_octets));
    }
    charge(1 + out.size() / 256);
    return out;
}

std::string_view Machine::text(const Call& call, Slot slot, std::size_t index) {
    std::span<const std::uint32_t> texts = call.texts(slot);
    return index < texts.size() ? text(texts[index]) : std::string_view();
}

std::vector<std::string> Machine::strings(const Call& call, Slot slot) {
    std::vector<std::string> out;
    for (std::uint32_t id : call.texts(slot))
        out.emplace_back(text(id));
    return out;
}

// The compiler stores the variable as a template of one piece.
void Machine::assign(const Call& call, Slot slot, std::string value) {
    std::span<const std::uint32_t> texts = call.texts(slot);
    if (texts.empty() || code_->texts[texts[0]].pieces.size() != 1)
        return;
    std::string_view cut = cut_utf8(value, limits().variable_octets);
    if (cut.size() < value.size())
        value.resize(cut.size());
    const Piece& piece = code_->texts[texts[0]].pieces[0];
    std::string* place = nullptr;
    if (piece.kind == Piece::Kind::global)
        place = &globals_[piece.index];
    else if (piece.kind == Piece::Kind::local && piece.index < frames_.back().locals.size())
        place = &frames_.back().locals[piece.index];
    if (place != nullptr)
        *place = std::move(value);
}

void Machine::set_match_values(const std::vector<std::string_view>& groups) {
    std::size_t count = std::min<std::size_t>(groups.size(), kMaxMatchValue + 1);
    // The groups may be views into the very values that are replaced here.
    std::vector<std::string> values;
    values.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        values.emplace_back(cut_utf8(groups[i], limits().variable_octets));
    match_values_ = std::move(values);
}

// ---- header

HeaderIndex& Machine::header() {
    if (header_ == nullptr)
        header_ = std::make_unique<HeaderIndex>(message_->header());
    return *header_;
}

HeaderIndex& Machine::header_of(std::size_t part) { return part == 0 ? header() : parsed().part_header(part); }

std::shared_ptr<const std::string> Machine::edited_header() {
    if (header_ == nullptr || !header_->edited())
        return nullptr;
    std::string text = header_->text();
    if (header_text_ == nullptr || *header_text_ != text) {
        charge_memory(text.size());
        header_text_ = std::make_shared<const std::string>(std::move(text));
    }
    return header_text_;
}

std::uint64_t Machine::size() {
    std::shared_ptr<const std::string> edited = edited_header();
    if (edited == nullptr)
        return message_->size();
    std::uint64_t body = message_->size() - with_crlf(message_->header()).size();
    return body + with_crlf(*edited).size();
}

// ---- caches

std::shared_ptr<const Regex> Machine::regex(std::string_view pattern, bool ignore_case) {
    auto key = std::make_pair(std::string(pattern), ignore_case);
    if (auto found = regexes_.find(key); found != regexes_.end())
        return found->second;
    charge(100 + pattern.size());
    auto compiled = Regex::compile(pattern, ignore_case);
    if (!compiled)
        fail(fmt::format("\"{}\" is no regular expression: {}", text::printable(cut_utf8(pattern, 200)), compiled.error()));
    if (regexes_.size() >= kMaxRegexes)
        regexes_.clear();
    regexes_.emplace(std::move(key), *compiled);
    return *compiled;
}

const std::string& Machine::folded_constant(std::uint32_t id, Comparator comparator) {
    auto [place, fresh] = folded_.try_emplace({id, comparator});
    if (fresh)
        place->second = fold(text(id), comparator);
    return place->second;
}

// ---- control

void Machine::begin_loop(const Instruction& at) {
    std::size_t count = parsed().part_count();
    charge_memory(0);
    if (loops_.size() >= kMaxLoops)
        fail(fmt::format("loops over parts may be nested {} deep, no more, included scripts counted in", kMaxLoops));
    Loop loop;
    if (loops_.empty()) {
        loop.end = count;
    } else {  // RFC 5703, 3: the parts of the current part
        loop.part = loops_.back().part;
        loop.end = parsed().subtree_end(loop.part);
    }
    if (loop.part >= loop.end)
        next_ = at.a;
    else
        loops_.push_back(loop);
}

void Machine::enter(const Instruction& at) {
    if (at.b == 1 && entered_.contains(at.a)) {
        note(TraceStep::Kind::include, fmt::format("{} was included before", code_->units[at.a].name));
        return;
    }
    if (frames_.size() > limits().include_depth)
        fail(fmt::format("includes may be nested {} deep, no more", limits().include_depth));
    note(TraceStep::Kind::include, code_->units[at.a].name);
    entered_.insert(at.a);
    frames_.back().next = next_;
    Frame frame;
    frame.unit = at.a;
    frame.locals.resize(code_->units[at.a].locals);
    frame.loops = loops_.size();
    frames_.push_back(std::move(frame));
    next_ = code_->units[at.a].begin;
}

bool Machine::leave_script() {
    loops_.resize(std::min(loops_.size(), frames_.back().loops));
    while (!sections_.empty() && sections_.back().frames == frames_.size()) {
        sections_.pop_back();
        foreign()->section_ended("");
    }
    if (frames_.size() == 1)
        return false;
    frames_.pop_back();
    next_ = frames_.back().next;
    return true;
}

void Machine::leave_section(std::string_view error) {
    Section section = sections_.back();
    sections_.pop_back();
    frames_.resize(section.frames);
    loops_.resize(std::min(loops_.size(), section.loops));
    next_ = section.behind;
    foreign()->section_ended(error);
}

bool Machine::step() {
    scratch_.clear();
    charge(1);
    const Instruction& at = code_->instructions[next_++];
    line_ = at.line;
    switch (at.op) {
    case Op::test: flag_ = test(code_->calls[at.a]); break;
    case Op::act: act(code_->calls[at.a]); break;
    case Op::jump: next_ = at.a; break;
    case Op::jump_if_false: next_ = flag_ ? next_ : at.a; break;
    case Op::jump_if_true: next_ = flag_ ? at.a : next_; break;
    case Op::invert: flag_ = !flag_; break;
    case Op::set_true: flag_ = true; break;
    case Op::set_false: flag_ = false; break;
    case Op::stop: return false;
    case Op::leave_script: return leave_script();
    case Op::include: enter(at); break;
    case Op::missing_include: fail(fmt::format("there is no script \"{}\" to include", text::printable(text(at.a))));
    case Op::part_begin: begin_loop(at); break;
    case Op::part_next:
        if (loops_.empty())
            break;
        if (++loops_.back().part < loops_.back().end)
            next_ = at.a;
        else
            loops_.pop_back();
        break;
    case Op::part_leave:
        loops_.resize(loops_.size() - std::min<std::size_t>(loops_.size(), at.b));
        next_ = at.a;
        break;
    case Op::section_begin:
        sections_.push_back({at.b, frames_.size(), loops_.size()});
        test_foreign(*this, code_->calls[at.a]);
        break;
    case Op::section_end:
        if (!sections_.empty())
            leave_section("");
        break;
    default: return false;
    }
    return true;
}

bool Machine::test(const Call& call) {
    trace_detail.clear();
    bool result = false;
    switch (call.kind) {
    case CallKind::address: result = test_address(*this, call); break;
    case CallKind::header: result = test_header(*this, call); break;
    case CallKind::exists: result = test_exists(*this, call); break;
    case CallKind::size: result = test_size(*this, call); break;
    case CallKind::envelope: result = test_envelope(*this, call); break;
    case CallKind::body: result = test_body(*this, call); break;
    case CallKind::date: result = test_date(*this, call); break;
    case CallKind::currentdate: result = test_currentdate(*this, call); break;
    case CallKind::hasflag: result = test_hasflag(*this, call); break;
    case CallKind::string: result = test_string(*this, call); break;
    case CallKind::mailboxexists:
    case CallKind::mailboxidexists:
    case CallKind::specialuse_exists: result = test_mailboxes(*this, call); break;
    case CallKind::metadata:
    case CallKind::metadataexists:
    case CallKind::servermetadata:
    case CallKind::servermetadataexists: result = test_metadata(*this, call); break;
    case CallKind::environment: result = test_environment(*this, call); break;
    case CallKind::duplicate: result = test_duplicate(*this, call); break;
    case CallKind::valid_ext_list: result = test_lists(*this, call); break;
    case CallKind::ihave: result = call.has(Slot::match_all); break;
    case CallKind::notify_method_capability:
    case CallKind::valid_notify_method: result = test_notify(*this, call); break;
    case CallKind::spamtest:
    case CallKind::virustest: result = test_verdict(*this, call); break;
    default: result = test_foreign(*this, call); break;
    }
    if (result) {
        last_true_ = &call;
        test_line_ = line_;
    }
    if (options_.trace)
        note(TraceStep::Kind::test, describe_call(*this, call) + (trace_detail.empty() ? "" : " with " + trace_detail),
            result);
    return result;
}

void Machine::act(const Call& call) {
    if (options_.trace)
        note(TraceStep::Kind::action, describe_call(*this, call));
    switch (call.kind) {
    case CallKind::keep: act_keep(*this, call); break;
    case CallKind::fileinto: act_fileinto(*this, call); break;
    case CallKind::redirect: act_redirect(*this, call); break;
    case CallKind::discard: act_discard(*this, call); break;
    case CallKind::reject:
    case CallKind::ereject: act_reject(*this, call); break;
    case CallKind::vacation: act_vacation(*this, call); break;
    case CallKind::notify: act_notify(*this, call); break;
    case CallKind::report: act_report(*this, call); break;
    case CallKind::set: act_set(*this, call); break;
    case CallKind::setflag:
    case CallKind::addflag:
    case CallKind::removeflag: act_flags(*this, call); break;
    case CallKind::addheader:
    case CallKind::deleteheader: act_edit_header(*this, call); break;
    case CallKind::extracttext: act_extracttext(*this, call); break;
    case CallKind::error: fail(std::string(on_one_line(text(call, Slot::arg0)))); break;
    default: test_foreign(*this, call); break;
    }
}

void Machine::execute() {
    for (;;) {
        try {
            while (step()) {
            }
            for (; !sections_.empty(); sections_.pop_back())  // a stop inside
                foreign()->section_ended("");
            return;
        } catch (Stop& stop) {
            if (sections_.empty())
                throw;
            leave_section(stop.why);
        }
    }
}

Outcome Machine::run(const Program& program) {
    code_ = &program.code();
    Outcome outcome;
    if (!code_->foreign_capability.empty() &&
        (foreign() == nullptr || foreign()->capability() != code_->foreign_capability)) {
        outcome.status = Outcome::Status::failed;
        outcome.error = fmt::format("{}: it needs {}, which is not here", program.name(), code_->foreign_capability);
        fall_back(outcome);
        return outcome;
    }
    begin_ = std::chrono::steady_clock::now();
    instructions_ = memory_ = next_clock_ = 0;
    frames_.assign(1, Frame{});
    frames_[0].locals.resize(code_->units[0].locals);
    globals_.assign(code_->globals.size(), {});
    loops_.clear();
    sections_.clear();
    match_values_.clear();
    entered_.clear();
    folded_.clear();
    warnings_.clear();
    trace_.clear();
    last_true_ = nullptr;
    line_ = test_line_ = 0;
    reset_results();
    next_ = code_->units[0].begin;
    try {
        execute();
    } catch (const Stop& stop) {
        outcome.status = Outcome::Status::failed;
        outcome.error = fmt::format("{}:{}: {}", code_->units[frames_.back().unit].name, line_, stop.why);
    } catch (const HostFailure& failure) {
        outcome.status = Outcome::Status::temporary_failure;
        outcome.error = fmt::format("{}:{}: {}", code_->units[frames_.back().unit].name, line_, failure.what());
    }
    return finish(std::move(outcome));
}

void Machine::fall_back(Outcome& outcome) const {
    Action keep;
    keep.kind = Action::Kind::keep;
    keep.implicit = true;
    keep.mailbox = settings_.default_mailbox;
    outcome.actions.assign(1, std::move(keep));
}

Outcome Machine::finish(Outcome outcome) {
    outcome.instructions = instructions_;
    outcome.warnings = std::move(warnings_);
    if (outcome.status == Outcome::Status::failed) {
        forget_edits();  // the message as it came
        fall_back(outcome);
    } else if (outcome.status == Outcome::Status::done) {
        if (!keep_cancelled) {  // RFC 5228, 2.10.2
            Action keep;
            keep.implicit = true;
            keep.mailbox = settings_.default_mailbox;
            keep.flags = current_flags();
            keep.header = edited_header();
            keep.cause.script = code_->units[0].name;
            if (!merge_action(keep))
                actions.push_back(std::move(keep));
        }
        outcome.actions = std::move(actions);
    }
    actions.clear();
    outcome.trace = std::move(trace_);
    return outcome;
}

}  // namespace sieve
