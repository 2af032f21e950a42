#include "lib/dkim/key_record.h"

#include <algorithm>

#include "lib/dkim/tag_list.h"
#include "lib/text/text.h"

namespace dkim {
namespace {

using Failed = std::unexpected<std::string>;

// Whether a tag that lists words with ":" has one of those wanted; a missing tag allows everything.
bool allows(const TagList& tags, std::string_view name, std::string_view wanted, std::string_view or_wanted) {
    const Tag* tag = tags.find(name);
    if (tag == nullptr)
        return true;
    const std::string list = text::lower(without_blanks(tag->value));
    const auto words = text::split(list, ":");
    return std::any_of(words.begin(), words.end(), [&](auto word) { return word == wanted || word == or_wanted; });
}

}  // namespace

std::expected<KeyRecord, std::string> parse_key_record(std::string_view text) {
    if (text.size() > kMaxKeyRecord)
        return Failed("the key record is longer than " + std::to_string(kMaxKeyRecord) + " octets");
    const auto tags = TagList::parse(text);
    if (!tags)
        return Failed("bad key record: " + tags.error());
    // RFC 6376, 3.6.1: v= is DKIM1 and the first tag, if it is there.
    if (const Tag* version = tags->find("v");
        version != nullptr && (version != &tags->tags().front() || version->value != "DKIM1"))
        return Failed("bad key record: v= is not DKIM1, or not in front");
    KeyRecord record;
    const std::string type = tags->find("k") == nullptr ? "rsa" : text::lower(tags->value("k"));
    if (type != "rsa" && type != "ed25519")
        return Failed("bad key record: k= is no known type of key");
    record.type = type == "rsa" ? KeyType::rsa : KeyType::ed25519;
    if (!allows(*tags, "h", "sha256", "sha256"))
        return Failed("the key is not for sha256");
    if (!allows(*tags, "s", "*", "email"))
        return Failed("the key is not for mail");
    if (tags->find("t") != nullptr) {
        record.testing = allows(*tags, "t", "y", "y");
        record.strict = allows(*tags, "t", "s", "s");
    }
    const Tag* data = tags->find("p");
    if (data == nullptr)
        return Failed("bad key record: p= is missing");
    if (data->value.empty())
        return Failed("the key is revoked");
    const auto decoded = text::decode_base64(without_blanks(data->value));
    if (!decoded || decoded->empty())
        return Failed("bad key record: p= is no base64");
    record.data = *decoded;
    return record;
}

}  // namespace dkim
