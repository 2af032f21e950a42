// The body test (RFC 5173).
#include "lib/sieve/machine.h"
#include "lib/text/text.h"

namespace sieve {
namespace {

struct ContentType {
    std::string type;
    std::string subtype;  // empty: any
    bool any = false;
};

// RFC 5173, 5.2: "text", "text/plain", "" for all; anything else names nothing.
std::vector<ContentType> wanted_types(Machine& machine, const Call& call) {
    std::vector<ContentType> types;
    for (std::uint32_t id : call.texts(Slot::content_types)) {
        std::string_view name = text::trim(machine.text(id));
        std::size_t slash = name.find('/');
        if (name.empty())
            types.push_back({"", "", true});
        else if (slash == std::string_view::npos)
            types.push_back({std::string(name), "", false});
        else if (slash > 0 && slash + 1 < name.size() && name.find('/', slash + 1) == std::string_view::npos)
            types.push_back({std::string(name.substr(0, slash)), std::string(name.substr(slash + 1)), false});
    }
    return types;
}

bool is_wanted(Message::Parsed& parsed, std::size_t part, const std::vector<ContentType>& types) {
    if (parsed.part(part).subtype.find('/') != std::string::npos)
        return false;
    for (const ContentType& type : types)
        if (type.any || parsed.is_type(part, type.type, type.subtype))
            return true;
    return false;
}

bool offer_part(Message::Parsed& parsed, std::size_t part, Matcher& matcher) {
    const message::Part& found = parsed.part(part);
    switch (found.kind) {
    case message::Part::Kind::multipart: return matcher.offer(parsed.prologue(part)) || matcher.offer(parsed.epilogue(part));
    case message::Part::Kind::message:
        return found.child_count > 0 && matcher.offer(parsed.part_header_text(found.first_child));
    default: return matcher.offer(parsed.content(part));
    }
}

}  // namespace

bool test_body(Machine& machine, const Call& call) {
    Message::Parsed& parsed = machine.parsed();
    if (!parsed.has_body())  // RFC 5173, 4: a header without an empty line behind it has no body, not an empty one
        return false;
    Matcher matcher(machine, call, Slot::arg0);
    auto transform = static_cast<BodyTransform>(call.number(Slot::transform));
    std::size_t before = parsed.kept();
    if (transform == BodyTransform::raw) {
        matcher.offer(parsed.raw_body());
        machine.charge_memory(parsed.kept() - before);
        return matcher.finish();
    }
    std::vector<ContentType> types = wanted_types(machine, call);
    for (std::size_t part = 0; part < parsed.part_count(); ++part) {
        machine.charge(1);
        bool stop = false;
        if (transform == BodyTransform::content) {
            stop = is_wanted(parsed, part, types) && offer_part(parsed, part, matcher);
        } else if (std::optional<std::string_view> readable = parsed.readable(part)) {
            stop = matcher.offer(*readable);
        }
        machine.charge_memory(parsed.kept() - before);
        before = parsed.kept();
        if (stop)
            return true;
    }
    return matcher.finish();
}

}  // namespace sieve
