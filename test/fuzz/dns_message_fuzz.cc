// Feeds the reader of DNS replies and of zone data. What a reply says stays inside the limits of the DNS.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/dns/message.h"
#include "lib/dns/name.h"
#include "lib/dns/zone_data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    for (dns::Type type : {dns::Type::a, dns::Type::mx, dns::Type::txt, dns::Type::ptr, dns::Type::cname, dns::Type::tlsa}) {
        dns::RawAnswer answer = dns::parse_message(text, "example.test", type);
        if ((answer.status == dns::Status::found) == answer.records.empty())
            std::abort();
        for (const std::string& rdata : answer.records) {
            if (rdata.size() > 65535 + 255)
                std::abort();
            dns::parse_address(rdata);
            dns::parse_mx(rdata);
            dns::parse_txt(rdata);
            dns::parse_name_record(rdata);
            dns::parse_tlsa(rdata);
        }
    }
    // A name that was read can be written, and is the same again.
    if (auto name = dns::decode_name(text); name && !name->empty()) {
        auto wire = dns::encode_name(*name);
        if (!wire || dns::decode_name(*wire) != name)
            std::abort();
    }
    if (size < 4096) {
        dns::ZoneData zone;
        (void)dns::parse_zone_file(text, zone);
    }
    return 0;
}
