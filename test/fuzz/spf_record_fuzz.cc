// Feeds SPF records, and evaluates them with the record itself in all places that ask the DNS.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "lib/dns/zone_data.h"
#include "lib/spf/record.h"
#include "lib/spf/spf.h"
#include "test/support/wait_for.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::string record = "v=spf1 " + std::string(text.substr(0, 2000));
    auto parsed = spf::parse_record(record);
    dns::ZoneData zone;
    zone.add_txt("example.test", record);
    zone.add_txt("*.example.test", record);
    zone.add_txt("exp.test", text.substr(0, 1000));
    (void)zone.add("mail.example.test", dns::Type::a, "192.0.2.1");
    (void)zone.add("1.2.0.192.in-addr.arpa", dns::Type::ptr, "mail.example.test");
    spf::Query query;
    query.client = dict::parse_ip("192.0.2.1").value();
    query.helo = "mail.example.test";
    query.sender = std::string(text.substr(0, 64)) + "@example.test";
    event::Loop loop;
    spf::Limits limits;
    spf::Verdict verdict = test::wait_for(loop, spf::check(zone, query, spf::Identity::mail_from, limits));
    if (!parsed && verdict.result != spf::Result::permerror)
        std::abort();
    if (verdict.questions > 130)
        std::abort();
    std::string header = spf::received_spf(verdict, query);
    if (header.find('\n') != std::string::npos || header.find('\r') != std::string::npos)
        std::abort();
    auto explanation = spf::MacroString::parse(text, spf::MacroString::Kind::explanation);
    if (explanation) {
        spf::MacroValues values;
        values.client = query.client;
        if (explanation->expand(values).size() > spf::kMaxExpansion)
            std::abort();
    }
    return 0;
}
