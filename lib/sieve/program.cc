#include "lib/sieve/program.h"

#include <bit>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "lib/sieve/code.h"

namespace sieve {
namespace {

constexpr std::string_view kMark = "Malleposte sieve";
constexpr std::uint32_t kVersion = 1;

// Counts above this cannot be honest: compile() takes no script this large.
constexpr std::uint64_t kMaxCount = 4'000'000;

class Writer {
  public:
    void number(std::uint64_t value) {  // LEB128
        while (value >= 0x80) {
            bytes_ += static_cast<char>(value | 0x80);
            value >>= 7;
        }
        bytes_ += static_cast<char>(value);
    }
    void text(std::string_view value) {
        number(value.size());
        bytes_ += value;
    }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

class Reader {
  public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (bytes_.empty())
                break;
            auto octet = static_cast<unsigned char>(bytes_.front());
            bytes_.remove_prefix(1);
            value |= static_cast<std::uint64_t>(octet & 0x7f) << shift;
            if ((octet & 0x80) == 0)
                return value;
        }
        failed_ = true;
        return 0;
    }
    std::uint32_t small() {
        std::uint64_t value = number();
        failed_ |= value > UINT32_MAX;
        return static_cast<std::uint32_t>(value);
    }
    // Each item takes one octet at least, so a count is bounded by what is left.
    std::size_t count() {
        std::uint64_t value = number();
        if (value > kMaxCount || value > bytes_.size()) {
            failed_ = true;
            return 0;
        }
        return static_cast<std::size_t>(value);
    }
    std::string text() {
        std::size_t size = count();
        std::string value(bytes_.substr(0, size));
        bytes_.remove_prefix(value.size());
        return value;
    }
    template <typename Enum>
    Enum choice(Enum end) {
        std::uint64_t value = number();
        if (value >= static_cast<std::uint64_t>(end)) {
            failed_ = true;
            return Enum{};
        }
        return static_cast<Enum>(value);
    }
    bool failed() const { return failed_; }
    bool at_end() const { return bytes_.empty(); }

  private:
    std::string_view bytes_;
    bool failed_ = false;
};

void write_call(Writer& out, const Call& call) {
    out.number(static_cast<std::uint64_t>(call.kind));
    out.number(call.line);
    out.number(call.foreign);
    out.number(call.arguments.size());
    for (const Argument& argument : call.arguments) {
        out.number(static_cast<std::uint64_t>(argument.slot));
        out.number(argument.number);
        out.text(argument.tag);
        out.number(argument.texts.size());
        for (std::uint32_t text : argument.texts)
            out.number(text);
    }
}

Call read_call(Reader& in) {
    Call call;
    call.kind = in.choice(CallKind::count_of_kinds);
    call.line = in.small();
    call.foreign = in.small();
    std::size_t arguments = in.count();
    for (std::size_t i = 0; i < arguments && !in.failed(); ++i) {
        Argument& argument = call.arguments.emplace_back();
        argument.slot = in.choice(Slot::count_of_slots);
        argument.number = in.number();
        argument.tag = in.text();
        std::size_t texts = in.count();
        for (std::size_t j = 0; j < texts && !in.failed(); ++j)
            argument.texts.push_back(in.small());
    }
    return call;
}

std::string write_body(const Code& code) {
    Writer out;
    out.number(code.source_hash);
    out.text(code.foreign_capability);
    out.number(code.units.size());
    for (const Unit& unit : code.units) {
        out.text(unit.name);
        out.number(static_cast<std::uint64_t>(unit.location));
        out.number(unit.begin);
        out.number(unit.locals);
    }
    out.number(code.instructions.size());
    for (const Instruction& instruction : code.instructions) {
        out.number(static_cast<std::uint64_t>(instruction.op));
        out.number(instruction.line);
        out.number(instruction.a);
        out.number(instruction.b);
    }
    out.number(code.calls.size());
    for (const Call& call : code.calls)
        write_call(out, call);
    out.number(code.texts.size());
    for (const Text& text : code.texts) {
        out.number(text.pieces.size());
        for (const Piece& piece : text.pieces) {
            out.number(static_cast<std::uint64_t>(piece.kind));
            out.number(piece.index);
        }
    }
    out.number(code.literals.size());
    for (const std::string& literal : code.literals)
        out.text(literal);
    out.number(code.globals.size());
    for (const std::string& global : code.globals)
        out.text(global);
    out.number(code.dependencies.size());
    for (const Dependency& dependency : code.dependencies) {
        out.number(static_cast<std::uint64_t>(dependency.location));
        out.text(dependency.name);
        out.number(dependency.found ? 1 : 0);
        out.number(dependency.hash);
    }
    return out.take();
}

ScriptLocation read_location(Reader& in) { return in.number() == 0 ? ScriptLocation::personal : ScriptLocation::global; }

void read_tables(Reader& in, Code& code) {
    for (std::size_t n = in.count(); n > 0 && !in.failed(); --n)
        code.calls.push_back(read_call(in));
    for (std::size_t n = in.count(); n > 0 && !in.failed(); --n) {
        Text& text = code.texts.emplace_back();
        for (std::size_t pieces = in.count(); pieces > 0 && !in.failed(); --pieces) {
            Piece& piece = text.pieces.emplace_back();
            piece.kind = in.choice(Piece::Kind::count_of_kinds);
            piece.index = in.small();
        }
    }
    for (std::size_t n = in.count(); n > 0 && !in.failed(); --n)
        code.literals.push_back(in.text());
    for (std::size_t n = in.count(); n > 0 && !in.failed(); --n)
        code.globals.push_back(in.text());
    for (std::size_t n = in.count(); n > 0 && !in.failed(); --n) {
        Dependency& dependency = code.dependencies.emplace_back();
        dependency.location = read_location(in);
        dependency.name = in.text();
        dependency.found = in.number() != 0;
        dependency.hash = in.number();
    }
}

bool read_body(std::string_view bytes, Code& code) {
    Reader in(bytes);
    code.source_hash = in.number();
    code.foreign_capability = in.text();
    for (std::size_t n = in.count(); n > 0 && !in.failed(); --n) {
        Unit& unit = code.units.emplace_back();
        unit.name = in.text();
        unit.location = read_location(in);
        unit.begin = in.small();
        unit.locals = in.small();
    }
    for (std::size_t n = in.count(); n > 0 && !in.failed(); --n) {
        Instruction& instruction = code.instructions.emplace_back();
        instruction.op = in.choice(Op::count_of_ops);
        instruction.line = in.small();
        instruction.a = in.small();
        instruction.b = in.small();
    }
    if (!in.failed())
        read_tables(in, code);
    return !in.failed() && in.at_end();
}

void append_fixed(std::string& out, std::uint64_t value, int octets) {
    for (int i = 0; i < octets; ++i)
        out += static_cast<char>(value >> (8 * i));
}

std::uint64_t read_fixed(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
}

bool within(const Argument& argument) {
    auto below = [&](auto end) { return argument.number < static_cast<std::uint64_t>(end); };
    switch (argument.slot) {
    case Slot::match_type: return below(MatchType::count_of_types);
    case Slot::comparator: return below(Comparator::count_of_comparators);
    case Slot::relation: return below(Relation::count_of_relations);
    case Slot::address_part: return below(AddressPart::count_of_parts);
    case Slot::mime_option: return below(MimeOption::count_of_options);
    case Slot::transform: return below(BodyTransform::count_of_transforms);
    case Slot::size_mode: return below(SizeMode::count_of_modes);
    case Slot::modifiers: return argument.number <= kAllModifiers;
    case Slot::seconds: return argument.number <= 100ULL * 366 * 86400;
    case Slot::importance: return argument.number <= 3;
    default: return true;
    }
}

std::string check_instruction(const Code& code, const Instruction& instruction) {
    std::size_t end = code.instructions.size();
    auto call_is = [&](auto wanted) { return instruction.a < code.calls.size() && wanted(code.calls[instruction.a].kind); };
    bool good = true;
    switch (instruction.op) {
    case Op::test: good = call_is([](CallKind kind) { return is_test(kind); }); break;
    case Op::act: good = call_is([](CallKind kind) { return !is_test(kind); }); break;
    case Op::jump:
    case Op::jump_if_false:
    case Op::jump_if_true:
    case Op::part_begin:
    case Op::part_next: good = instruction.a < end; break;
    case Op::part_leave: good = instruction.a < end && instruction.b <= kMaxLoops; break;
    case Op::include: good = instruction.a < code.units.size() && instruction.b <= 1; break;
    case Op::missing_include: good = instruction.a < code.texts.size(); break;
    case Op::section_begin:
        good = call_is([](CallKind kind) { return kind == CallKind::foreign_command; }) && instruction.b < end;
        break;
    default: break;
    }
    return good ? "" : fmt::format("an instruction of line {} points nowhere", instruction.line);
}

std::string check_call(const Code& code, const Call& call) {
    bool foreign = call.kind == CallKind::foreign_test || call.kind == CallKind::foreign_command;
    if (foreign && code.foreign_capability.empty())
        return "a call of a command that belongs to nobody";
    for (const Argument& argument : call.arguments) {
        if (!within(argument))
            return fmt::format("an argument of line {} is out of its range", call.line);
        for (std::uint32_t text : argument.texts)
            if (text >= code.texts.size())
                return fmt::format("an argument of line {} points nowhere", call.line);
    }
    return "";
}

std::string check_piece(const Code& code, const Piece& piece) {
    bool good = true;
    switch (piece.kind) {
    case Piece::Kind::literal:
    case Piece::Kind::environment: good = piece.index < code.literals.size(); break;
    case Piece::Kind::global: good = piece.index < code.globals.size(); break;
    case Piece::Kind::local: good = piece.index < kMaxVariables; break;
    case Piece::Kind::match: good = piece.index <= kMaxMatchValue; break;
    default: good = false;
    }
    return good ? "" : "a piece of text points nowhere";
}

}  // namespace

std::string check_code(const Code& code) {
    if (code.units.empty() || code.instructions.empty())
        return "there is no code in it";
    // Running off the end is impossible: the last instruction goes nowhere else.
    if (Op last = code.instructions.back().op; last != Op::stop && last != Op::leave_script)
        return "its last instruction does not end it";
    for (const Unit& unit : code.units)
        if (unit.begin >= code.instructions.size() || unit.locals > kMaxVariables)
            return fmt::format("the script {} in it begins nowhere", unit.name);
    std::string problem;
    for (const Instruction& instruction : code.instructions)
        if (problem = check_instruction(code, instruction); !problem.empty())
            return problem;
    for (const Call& call : code.calls)
        if (problem = check_call(code, call); !problem.empty())
            return problem;
    for (const Text& text : code.texts)
        for (const Piece& piece : text.pieces)
            if (problem = check_piece(code, piece); !problem.empty())
                return problem;
    return "";
}

std::uint64_t content_hash(std::string_view text) {
    // FNV-1a over eight octets at a time, with the rest one by one.
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ text.size();
    auto mix = [&hash](std::uint64_t value) {
        hash = (hash ^ value) * 0x100000001b3ULL;
        hash ^= std::rotl(hash, 29);
    };
    while (text.size() >= 8) {
        std::uint64_t value;
        std::memcpy(&value, text.data(), 8);
        mix(value);
        text.remove_prefix(8);
    }
    for (char c : text)
        mix(static_cast<unsigned char>(c));
    return hash ^ (hash >> 31);
}

Program::Program(std::unique_ptr<const Code> code) : code_(std::move(code)) {}
Program::~Program() = default;

const std::string& Program::name() const { return code_->units.front().name; }
std::uint64_t Program::source_hash() const { return code_->source_hash; }
const std::vector<Dependency>& Program::dependencies() const { return code_->dependencies; }

std::string Program::encode() const {
    std::string body = write_body(*code_);
    std::string out(kMark);
    append_fixed(out, kVersion, 4);
    append_fixed(out, content_hash(body), 8);
    return out + body;
}

std::expected<std::shared_ptr<const Program>, std::string> Program::decode(std::string_view bytes) {
    constexpr std::size_t kHead = kMark.size() + 12;
    if (bytes.size() < kHead || !bytes.starts_with(kMark))
        return std::unexpected("this is no compiled script");
    if (std::uint64_t version = read_fixed(bytes.substr(kMark.size(), 4)); version != kVersion)
        return std::unexpected(fmt::format("it was compiled for version {}, this is version {}", version, kVersion));
    std::string_view body = bytes.substr(kHead);
    if (read_fixed(bytes.substr(kMark.size() + 4, 8)) != content_hash(body))
        return std::unexpected("it is damaged: the checksum differs");
    auto code = std::make_unique<Code>();
    if (!read_body(body, *code))
        return std::unexpected("it is damaged: a number or text in it is cut or too large");
    if (std::string problem = check_code(*code); !problem.empty())
        return std::unexpected("it is damaged: " + problem);
    return std::make_shared<const Program>(std::move(code));
}

}  // namespace sieve
