// lib/dns/zone_data.h - a resolver that answers from a file instead of asking the DNS: for tests and mailauth --dns.
//
// Three forms, told apart by what is in the file:
//   zone file    RFC 1035, 5: $ORIGIN, $TTL, parentheses, comments, quoted strings, relative names; A AAAA MX TXT PTR
//                CNAME TLSA. Other types (SOA, NS, CAA ...) make their name exist and have no answer.
//   zonedata:    YAML, a mapping of names to lists of records, `A: 192.0.2.1`. `TIMEOUT` stands for a question that
//                nobody answers (all types of the name, or one: `TXT: TIMEOUT`), `BOGUS` for one whose answer DNSSEC
//                refuses. `SPF:` records are published as TXT unless the name has a TXT of its own; `TXT: NONE` is such
//                a one and publishes nothing. MX is `[10, host]` or `10 host`.
//   txt-records: YAML, a mapping of names to the text of their TXT record.
// Of several YAML documents the later one wins where both have a name; parse_documents() keeps them apart.
//
// CNAMEs are followed as a resolver follows them, names without records above names with records exist, and `*` at the
// left stands for what does not exist (RFC 4592).
//
// Failure     a file that cannot be read or breaks its form is no data at all; the reason names the line or the name.
// Trust       the file is the administrator's.
#pragma once

#include <expected>
#include <map>

#include "lib/dns/resolver.h"

namespace dns {

class ZoneData final : public Resolver {
  public:
    static std::expected<ZoneData, std::string> load(const std::string& path);
    // `name` is what reasons call the text: a path.
    static std::expected<ZoneData, std::string> parse(std::string_view text, const std::string& name);
    static std::expected<std::vector<ZoneData>, std::string> parse_documents(std::string_view yaml, const std::string& name);

    // What tests set without a file. Records are given as a zone file writes them: "10 mail.example.test".
    std::expected<void, std::string> add(std::string_view name, Type type, std::string_view rdata);
    void add_txt(std::string_view name, std::string_view content);  // split into strings of 255 octets
    void set_trouble(std::string_view name, Status status, std::optional<Type> type = std::nullopt);
    // Counts as signed: answers are secure.
    void set_secure(bool secure) { secure_ = secure; }

    // For the parsers of the forms.
    void add_rdata(std::string_view name, Type type, std::string rdata);
    void add_name(std::string_view name);
    void replace_by(ZoneData later);

    event::Task<RawAnswer> query(std::string name, Type type) override;
    std::size_t questions() const { return questions_; }

  private:
    struct Node {
        std::map<Type, std::vector<std::string>> records;
        std::map<Type, Status> trouble;     // for one type
        std::optional<Status> all_trouble;  // for every type without records
    };
    const Node* find(const std::string& name) const;
    bool exists(const std::string& name) const;
    RawAnswer answer(std::string name, Type type) const;

    std::map<std::string, Node, std::less<>> nodes_;  // by name in lower case
    bool secure_ = false;
    std::size_t questions_ = 0;
};

// RDATA from its words in a zone file; names are completed with `origin`.
struct Word {
    std::string text;  // escapes kept unless quoted
    bool quoted = false;
};
std::expected<std::string, std::string> encode_rdata(Type type, const std::vector<Word>& words, std::string_view origin);
// The TXT RDATA of a text of any length.
std::string encode_txt(std::string_view content);

// The two syntaxes. They add to `data`.
std::expected<void, std::string> parse_zone_file(std::string_view text, ZoneData& data);
std::expected<std::vector<ZoneData>, std::string> parse_zone_yaml(std::string_view text);

}  // namespace dns
