// test/unit/readings/author_test.cc - one message, read by everybody who reads it: the author that DMARC judges, the From
// that is delivered, the From that ENVELOPE shows and the one that Sieve tests are the same.
//
// Messages are made by a seeded generator of what forgers play with: separators, quotes, comments, line ends, second fields,
// lines that are no field.
#include <algorithm>
#include <random>

#include "cleanup/headers.h"
#include "lib/dkim/header_fields.h"
#include "lib/dkim/signature.h"
#include "lib/dmarc/author.h"
#include "lib/dmarc/evaluate.h"
#include "lib/imap/describe.h"
#include "lib/message/address_list.h"
#include "lib/message/header.h"
#include "lib/message/structure.h"
#include "lib/sieve/header_index.h"
#include "lib/smtp/data.h"
#include "test/support/catch.h"

namespace {

using Shown = std::vector<std::pair<std::string, std::string>>;  // local part and domain

class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::string message() {
        std::string text;
        for (unsigned lines = 1 + below(5); lines > 0; --lines)
            text += line();
        if (below(4) > 0)
            text += "\r\n";
        return text + "From: <body@body.test>\r\n";
    }

  private:
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_()) % limit; }

    std::string line() {
        switch (below(9)) {
        case 0: return "Subject: x\r\n";
        case 1: return "no field at all\r\n";
        case 2: return " folded: " + addresses() + "\r\n";
        case 3: return "From : " + addresses() + "\r\n";
        case 4: return "X-A: y" + std::string(below(2) > 0 ? "\r" : "\n") + "From: " + addresses() + "\r\n";
        case 5: return "Fr\xc3\xb6m: x\r\n";
        case 6: return "From a@b.test Mon Jan 1\r\n";
        default: return "From: " + addresses() + "\r\n";
        }
    }

    std::string addresses() {
        static const std::vector<std::string> kPieces = {"a@x.test", "<b@y.test>", "ceo@bank.test", "<", ">", "@", ",", ":",
            ";", "\"", "\\", "(", ")", "[", "]", " ", "\r\n ", "\r\n\t", "\r", "\n", ".", "CEO", "z.test",
            "\"q, <r@s.test>\"", "(c@d.test)", std::string(1, '\0'), "b\xc3\xbc", "=?utf-8?q?a=40b.test?=", "[192.0.2.1]",
            "<@r.test:u@v.test>", "group:"};
        std::string text;
        for (unsigned count = 1 + below(8); count > 0; --count)
            text += kPieces[below(static_cast<unsigned>(kPieces.size()))];
        return text;
    }

    std::mt19937 random_;
};

std::string from_wire(const std::string& text) {
    smtp::DataDecoder decoder;
    std::string decoded;
    decoder.decode(text + "\r\n.\r\n", decoded);
    REQUIRE(decoder.ended());
    return decoded;
}

std::string delivered(const std::string& text) {
    static const cleanup::HeaderRules kRules;
    cleanup::MessageFilter filter(kRules, {});
    std::string out;
    filter.feed(text, out);
    filter.finish(out);
    return out;
}

std::vector<std::string> from_fields(std::string_view text) {
    std::vector<std::string> found;
    message::HeaderReader reader(text);
    while (const auto field = reader.next()) {
        if (message::equal_ignoring_case(field->name, "from"))
            found.emplace_back(field->body);
    }
    return found;
}

Shown mailboxes(const std::vector<message::Address>& list) {
    Shown shown;
    for (const message::Address& one : list) {
        if (one.kind == message::Address::Kind::mailbox)
            shown.emplace_back(one.mailbox, one.host);
    }
    return shown;
}

// What an IMAP client finds in the third place of an ENVELOPE.
class EnvelopeReader {
  public:
    explicit EnvelopeReader(std::string_view text) : text_(text) {}

    Shown from() {
        Shown shown;
        take('(');
        text();
        text();
        if (!take('('))
            return shown;
        while (take('(')) {
            text();
            text();
            const auto mailbox = text();
            const auto host = text();
            REQUIRE(take(')'));
            if (mailbox && host)
                shown.emplace_back(*mailbox, *host);
        }
        return shown;
    }

  private:
    void skip_blanks() {
        while (at_ < text_.size() && text_[at_] == ' ')
            ++at_;
    }

    bool take(char c) {
        skip_blanks();
        if (at_ >= text_.size() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }

    std::optional<std::string> text() {
        skip_blanks();
        if (text_.substr(at_).starts_with("NIL")) {
            at_ += 3;
            return std::nullopt;
        }
        if (const std::size_t open = text_.find('{', at_);
            open != std::string_view::npos && open - at_ < 2 && text_[at_] != '"')
            return literal(open);
        REQUIRE(take('"'));
        std::string value;
        for (; text_.at(at_) != '"'; ++at_) {
            if (text_[at_] == '\\')
                ++at_;
            value += text_.at(at_);
        }
        ++at_;
        return value;
    }

    std::string literal(std::size_t open) {
        const std::size_t length = std::stoul(std::string(text_.substr(open + 1)));
        const std::size_t begin = text_.find('\n', open) + 1;
        at_ = begin + length;
        return std::string(text_.substr(begin, length));
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

// A literal cannot carry NUL; what stands in its place is the same for both sides.
Shown without_nul(Shown shown) {
    for (auto& [local, domain] : shown) {
        for (std::string* text : {&local, &domain})
            std::erase_if(*text, [](char c) { return c == '\0' || static_cast<unsigned char>(c) >= 0x80; });
    }
    return shown;
}

void check_domains(const Shown& shown, const dmarc::Authors& authors) {
    for (const auto& [local, domain] : shown) {
        const auto name = dkim::to_a_labels(domain.ends_with('.') ? domain.substr(0, domain.size() - 1) : domain);
        const bool judged = name &&
                            std::find(authors.domains.begin(), authors.domains.end(), *name) != authors.domains.end();
        CHECK((judged || authors.unusable || !authors.ambiguity.empty()));
    }
}

// Any address that a careless reader may find: something with an "@" outside of quotes, comments and encoded words. A field
// that is not ambiguous shows all of them.
void check_complete(std::string_view body) {
    const message::AddressList list = message::read_addresses(body);
    if (!list.ambiguity.empty())
        return;
    const Shown shown = mailboxes(list.addresses);
    for (const char* domain : {"x.test", "y.test", "bank.test"}) {
        const std::string wanted = std::string("@") + domain;
        if (body.find('"') != std::string_view::npos || body.find('(') != std::string_view::npos ||
            body.find('[') != std::string_view::npos || body.find(wanted) == std::string_view::npos)
            continue;
        const bool there = std::any_of(
            shown.begin(), shown.end(), [&](const auto& one) { return one.second.find(domain) != std::string::npos; });
        CHECK(there);
    }
}

}  // namespace

TEST_CASE("everybody reads the same author", "[message][dmarc][imap][sieve][bad-input]") {
    unsigned ambiguous = 0, clear = 0;
    for (unsigned seed = 0; seed < 20'000; ++seed) {
        const std::string wire = Generator(seed).message();
        CAPTURE(seed, wire);
        const std::string verified = from_wire(wire);
        const std::string stored = delivered(verified);

        const std::vector<std::string> fields = from_fields(stored);
        REQUIRE(from_fields(verified) == fields);
        const std::size_t header = message::header_length(stored);
        REQUIRE(message::parse_structure(stored).root().body.raw == header);
        REQUIRE((header == stored.size() || header == 2 || stored.substr(0, header).ends_with("\r\n\r\n")));

        const dkim::HeaderFields signed_fields(verified);
        const dmarc::Authors authors = dmarc::find_authors(dmarc::from_bodies(signed_fields));
        REQUIRE(authors.any_field == !fields.empty());
        (authors.ambiguity.empty() ? clear : ambiguous) += 1;
        sieve::HeaderIndex index(stored);
        std::vector<sieve::HeaderIndex::Field*> tested;
        index.find("From", tested);
        REQUIRE(tested.size() == fields.size());
        for (std::size_t i = 0; i < fields.size(); ++i) {
            const Shown shown = mailboxes(message::parse_address_list(fields[i]));
            REQUIRE(mailboxes(sieve::HeaderIndex::addresses(*tested[i])) == shown);
            check_domains(shown, authors);
            check_complete(fields[i]);
            const Shown unfolded = mailboxes(message::parse_address_list(message::unfold(fields[i])));
            if (i == 0)
                REQUIRE(without_nul(EnvelopeReader(imap::format_envelope(stored)).from()) == without_nul(unfolded));
        }
    }
    CHECK(ambiguous > 1000);
    CHECK(clear > 1000);
}
