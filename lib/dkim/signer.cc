#include "lib/dkim/signer.h"

#include <algorithm>

#include "lib/text/text.h"

namespace dkim {
namespace {

constexpr std::size_t kLine = 76;
constexpr std::size_t kValueLine = 72;

std::string_view canon_name(Canon canon) { return canon == Canon::simple ? "simple" : "relaxed"; }

bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const std::vector<std::string>& default_signed_names() {
    // RFC 6376, 5.4.1. Trace fields and what hosts on the way add or change are left out.
    static const std::vector<std::string> names = {
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-language",
        "resent-from",
        "resent-sender",
        "resent-to",
        "resent-cc",
        "resent-date",
        "resent-message-id",
        "list-id",
        "list-help",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "list-subscribe",
        "list-post",
        "list-owner",
        "list-archive",
        "autocrypt",
    };
    return names;
}

const std::vector<std::string>& default_oversigned_names() {
    static const std::vector<std::string> names = {"from", "to", "cc", "subject", "date", "reply-to"};
    return names;
}

std::vector<std::string> names_to_sign(
    const HeaderFields& fields, const std::vector<std::string>& names, const std::vector<std::string>& oversigned) {
    // These stay alone only where they are there: the next host may have to add a missing one.
    static const std::vector<std::string> kOnceIfThere = {
        "sender", "message-id", "in-reply-to", "references", "mime-version", "content-type", "content-transfer-encoding"};
    std::vector<std::string> chosen;
    for (const std::string& name : names) {
        const std::size_t count = fields.named(name).size();
        const bool once_more = has(oversigned, name) || (count > 0 && has(kOnceIfThere, name));
        for (std::size_t i = 0; i < count + (once_more ? 1 : 0) && chosen.size() < kMaxSignedNames; ++i)
            chosen.push_back(name);
    }
    return chosen;
}

void TagWriter::put(const std::string& piece, bool spaced) {
    if (line_ + piece.size() + 1 > kLine) {
        text_ += "\r\n\t";
        line_ = 8;
    } else if (spaced) {
        text_ += ' ';
        ++line_;
    }
    text_ += piece;
    line_ += piece.size();
}

void TagWriter::add(std::string_view name, std::string_view value) {
    put(std::string(name) + "=" + std::string(value) + ";", true);
}

void TagWriter::add_names(std::string_view name, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string piece = (i == 0 ? std::string(name) + "=" : "") + names[i] + (i + 1 < names.size() ? ":" : ";");
        put(piece, i == 0);
    }
}

void TagWriter::add_signature() {
    text_ += "\r\n\tb=";
    value_at_ = text_.size();
    text_ += ';';
    line_ = kLine;  // whatever follows begins a line
}

Unsigned TagWriter::finish() {
    if (text_.ends_with(';'))
        text_.pop_back();
    return Unsigned{std::move(text_), {}, value_at_};
}

std::string complete(const Unsigned& field, std::string_view signature, Fold fold) {
    std::string text = field.text.substr(0, field.value_at);
    const std::string encoded = text::encode_base64(signature);
    std::string_view rest = encoded;
    const std::size_t width = fold == Fold::short_lines ? kValueLine : rest.size() + 2;
    std::size_t room = width - 2;  // "b=" begins a line
    while (!rest.empty()) {
        text += rest.substr(0, room);
        rest.remove_prefix(std::min(room, rest.size()));
        room = width;
        if (!rest.empty())
            text += "\r\n\t";
    }
    return text + field.text.substr(field.value_at) + "\r\n";
}

Field unsigned_field(std::string name, const Unsigned& field) {
    return Field{std::move(name), std::string_view(field.text).substr(field.text.find(':') + 1), field.text};
}

Signer::Signer(SignOptions options) : options_(std::move(options)), tap_(options_.body_canon) {
    if (options_.names.empty())
        options_.names = default_signed_names();
    if (options_.oversigned.empty())
        options_.oversigned = default_oversigned_names();
    if (!has(options_.names, "from"))
        options_.names.insert(options_.names.begin(), "from");
}

std::expected<std::vector<Unsigned>, std::string> Signer::make_fields(const std::vector<SigningKey>& keys) const {
    if (tap_.too_long())
        return std::unexpected("the header is longer than " + std::to_string(kMaxSignedHeader) + " octets");
    const HeaderFields fields(tap_.header());
    if (fields.named("from").empty())
        return std::unexpected("there is no From field to sign");
    const std::vector<std::string> names = names_to_sign(fields, options_.names, options_.oversigned);
    std::string signed_text;
    for (const Field* field : fields.select(names))
        append_canonical(signed_text, options_.header_canon, *field);
    std::vector<Unsigned> unsigned_fields;
    for (const SigningKey& key : keys) {
        TagWriter tags("DKIM-Signature");
        tags.add("v", "1");
        tags.add("a", key.type == KeyType::rsa ? "rsa-sha256" : "ed25519-sha256");
        tags.add("c", std::string(canon_name(options_.header_canon)) + "/" + std::string(canon_name(options_.body_canon)));
        tags.add("d", key.domain);
        tags.add("s", key.selector);
        if (!key.identity.empty())
            tags.add("i", key.identity);
        if (options_.now != 0)
            tags.add("t", std::to_string(options_.now));
        if (options_.now != 0 && options_.lifetime != 0)
            tags.add("x", std::to_string(options_.now + options_.lifetime));
        tags.add_names("h", names);
        tags.add("bh", text::encode_base64(tap_.body_hash()));
        tags.add_signature();
        Unsigned one = tags.finish();
        std::string text = signed_text;
        append_unsigned(text, options_.header_canon, unsigned_field("dkim-signature", one), 0, 0);
        one.hash = Sha256::of(text);
        unsigned_fields.push_back(std::move(one));
    }
    return unsigned_fields;
}

}  // namespace dkim
