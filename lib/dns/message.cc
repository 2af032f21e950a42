#include "lib/dns/message.h"

#include <netinet/in.h>

#include <algorithm>

#include "lib/dns/name.h"
#include "lib/text/text.h"

namespace dns {
namespace {

constexpr std::uint16_t kClassIn = 1, kTypeSoa = 6;
constexpr std::size_t kMaxWire = 255;

struct Record {
    std::string owner;
    std::uint16_t type = 0, record_class = 0;
    std::uint32_t ttl = 0;
    std::size_t begin = 0, length = 0;  // RDATA in the message
};

class Reader {
  public:
    explicit Reader(std::string_view message) : message_(message) {}

    bool failed() const { return failed_; }
    std::size_t at() const { return at_; }
    void seek(std::size_t at) { at_ = at; }
    std::uint16_t u16() { return static_cast<std::uint16_t>(octet() << 8 | octet()); }
    std::uint32_t u32() {
        std::uint32_t high = u16();
        return high << 16 | u16();
    }
    void skip(std::size_t count) {
        if (count > message_.size() - at_)
            failed_ = true;
        else
            at_ += count;
    }
    // Uncompressed, in wire form. A pointer must lead to before the place where the name (or the last jump) began.
    std::string wire_name() {
        std::string wire;
        std::size_t at = at_, limit = at_;
        bool jumped = false;
        while (!failed_ && at < message_.size()) {
            auto length = static_cast<unsigned char>(message_[at]);
            if (length >= 0xc0) {
                if (at + 1 >= message_.size())
                    break;
                std::size_t target = (length & 0x3fu) << 8 | static_cast<unsigned char>(message_[at + 1]);
                if (!jumped)
                    at_ = at + 2;
                jumped = true;
                if (target >= limit)
                    break;
                at = limit = target;
                continue;
            }
            if (length > 63 || at + 1 + length > message_.size() || wire.size() + 1 + length > kMaxWire)
                break;
            wire.append(message_.substr(at, 1u + length));
            at += 1u + length;
            if (length == 0) {
                if (!jumped)
                    at_ = at;
                return wire;
            }
        }
        failed_ = true;
        return {};
    }
    std::string name() {
        std::string wire = wire_name();
        return failed_ ? "" : decode_name(wire).value_or("");
    }
    Record record() {
        Record record;
        record.owner = name();
        record.type = u16();
        record.record_class = u16();
        record.ttl = u32() & 0x7fffffff;  // RFC 2181, 8
        record.length = u16();
        record.begin = at_;
        skip(record.length);
        return record;
    }

  private:
    unsigned octet() {
        if (failed_ || at_ >= message_.size()) {
            failed_ = true;
            return 0;
        }
        return static_cast<unsigned char>(message_[at_++]);
    }
    std::string_view message_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

RawAnswer failure(std::string reason) {
    RawAnswer answer;
    answer.reason = std::move(reason);
    return answer;
}

std::string_view rcode_name(unsigned rcode) {
    constexpr std::string_view kNames[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    return rcode < std::size(kNames) ? kNames[rcode] : std::string_view("an unusual response code");
}

// The RDATA with the names in it written out.
std::optional<std::string> expand_rdata(std::string_view message, const Record& record) {
    std::string_view rdata = message.substr(record.begin, record.length);
    auto type = static_cast<Type>(record.type);
    if (type != Type::cname && type != Type::ptr && type != Type::mx)
        return std::string(rdata);
    std::size_t front = type == Type::mx ? 2 : 0;
    if (rdata.size() < front)
        return std::nullopt;
    Reader reader(message);
    reader.seek(record.begin + front);
    std::string name = reader.wire_name();
    if (reader.failed() || reader.at() != record.begin + record.length)
        return std::nullopt;
    return std::string(rdata.substr(0, front)) + name;
}

// RFC 2308, 5: the smaller of the SOA's own TTL and its last field.
std::optional<std::uint32_t> negative_ttl(std::string_view message, const Record& soa) {
    Reader reader(message);
    reader.seek(soa.begin);
    reader.wire_name();
    reader.wire_name();
    reader.skip(16);
    std::uint32_t minimum = reader.u32();
    if (reader.failed())
        return std::nullopt;
    return std::min(soa.ttl, minimum);
}

class AnswerReader {
  public:
    AnswerReader(std::string_view message, std::string_view name, Type type)
        : message_(message), reader_(message), name_(name), type_(type) {}

    RawAnswer read() {
        reader_.u16();
        unsigned flags = reader_.u16();
        unsigned questions = reader_.u16(), answers = reader_.u16(), authorities = reader_.u16();
        reader_.u16();
        if (reader_.failed() || (flags & 0x8000) == 0 || questions != 1)
            return failure("the reply is not an answer to one question");
        std::string asked = decode_question();
        std::uint16_t type = reader_.u16();
        reader_.u16();
        if (reader_.failed() || type != static_cast<std::uint16_t>(type_) ||
            !text::equal_ignoring_case(asked, encoded_question()))
            return failure("the reply is about another question");
        unsigned rcode = flags & 15;
        if (rcode != 0 && rcode != 3)
            return failure(std::string(rcode_name(rcode)));
        if ((flags & 0x0200) != 0)
            return failure("the reply is cut short");
        for (unsigned i = 0; i < answers && !reader_.failed(); ++i)
            records_.push_back(reader_.record());
        for (unsigned i = 0; i < authorities && !reader_.failed(); ++i)
            take_soa(reader_.record());
        if (reader_.failed())
            return failure("the reply is malformed");
        return follow(rcode == 3);
    }

  private:
    std::string decode_question() { return reader_.wire_name(); }
    std::string encoded_question() const {
        // The name's octets are meant as they are: no escapes.
        std::string wire;
        std::string_view rest = name_;
        while (!rest.empty()) {
            std::string_view label = rest.substr(0, rest.find('.'));
            wire += static_cast<char>(label.size());
            wire += label;
            rest.remove_prefix(std::min(label.size() + 1, rest.size()));
        }
        return wire + '\0';
    }
    void take_soa(const Record& record) {
        if (record.type == kTypeSoa && !reader_.failed())
            if (auto ttl = negative_ttl(message_, record))
                soa_ttl_ = *ttl;
    }
    const Record* alias_of(std::string_view owner) const {
        for (const Record& record : records_)
            if (record.type == static_cast<std::uint16_t>(Type::cname) && record.record_class == kClassIn &&
                text::equal_ignoring_case(record.owner, owner))
                return &record;
        return nullptr;
    }
    RawAnswer follow(bool name_error) {
        RawAnswer answer;
        // Owners of records are compared in the form that decode_name() gives.
        std::string owner = decode_name(encoded_question()).value_or(std::string(name_));
        answer.canonical_name = std::string(name_);
        answer.ttl = 0x7fffffff;
        if (type_ != Type::cname) {
            int steps = 0;
            for (const Record* alias = alias_of(owner); alias != nullptr; alias = alias_of(owner)) {
                auto target = expand_rdata(message_, *alias);
                if (!target)
                    return failure("the reply has a malformed CNAME record");
                if (++steps > kMaxAliases)
                    return failure("too many CNAME records, or a circle of them");
                owner = answer.canonical_name = decode_name(*target).value_or("");
                answer.ttl = std::min(answer.ttl, alias->ttl);
            }
        }
        for (const Record& record : records_) {
            if (record.type != static_cast<std::uint16_t>(type_) || record.record_class != kClassIn ||
                !text::equal_ignoring_case(record.owner, owner))
                continue;
            auto rdata = expand_rdata(message_, record);
            if (!rdata)
                return failure("the reply has a malformed record");
            answer.records.push_back(std::move(*rdata));
            answer.ttl = std::min(answer.ttl, record.ttl);
        }
        if (!answer.records.empty() && !name_error) {
            answer.status = Status::found;
            answer.name_exists = true;
            return answer;
        }
        answer.records.clear();
        answer.status = Status::does_not_exist;
        answer.name_exists = !name_error;
        answer.ttl = std::min(answer.ttl, soa_ttl_);
        answer.reason = name_error ? "the name does not exist" : "the name has no such record";
        return answer;
    }

    std::string_view message_;
    Reader reader_;
    std::string_view name_;
    Type type_;
    std::vector<Record> records_;
    std::uint32_t soa_ttl_ = 0;
};

}  // namespace

RawAnswer parse_message(std::string_view message, std::string_view name, Type type) {
    return AnswerReader(message, name, type).read();
}

std::optional<dict::IpAddress> parse_address(std::string_view rdata) {
    if (rdata.size() != 4 && rdata.size() != 16)
        return std::nullopt;
    dict::IpAddress address;
    address.family = rdata.size() == 4 ? AF_INET : AF_INET6;
    std::copy(rdata.begin(), rdata.end(), address.bytes.begin());
    return address;
}

std::optional<MailExchanger> parse_mx(std::string_view rdata) {
    if (rdata.size() < 3)
        return std::nullopt;
    auto host = parse_name_record(rdata.substr(2));
    if (!host)
        return std::nullopt;
    auto preference = static_cast<std::uint16_t>(
        static_cast<unsigned char>(rdata[0]) << 8 | static_cast<unsigned char>(rdata[1]));
    return MailExchanger{preference, std::move(*host)};
}

std::optional<std::string> parse_txt(std::string_view rdata) {
    std::string joined;
    while (!rdata.empty()) {
        auto length = static_cast<unsigned char>(rdata[0]);
        if (rdata.size() < 1u + length)
            return std::nullopt;
        joined += rdata.substr(1, length);
        rdata.remove_prefix(1u + length);
    }
    return joined;
}

std::optional<std::string> parse_name_record(std::string_view rdata) {
    std::size_t used = 0;
    auto name = decode_name(rdata, &used);
    if (!name || used != rdata.size())
        return std::nullopt;
    return name;
}

std::optional<TlsaRecord> parse_tlsa(std::string_view rdata) {
    if (rdata.size() < 4)  // RFC 6698, 2.1: three octets and something to compare with
        return std::nullopt;
    return TlsaRecord{static_cast<std::uint8_t>(rdata[0]), static_cast<std::uint8_t>(rdata[1]),
        static_cast<std::uint8_t>(rdata[2]), std::string(rdata.substr(3))};
}

}  // namespace dns
