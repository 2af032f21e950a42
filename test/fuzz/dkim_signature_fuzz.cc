// Feeds what DKIM and ARC read from strangers: tag lists, signatures, key records, whole headers with chains.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/dkim/crypto.h"
#include "lib/dkim/key_record.h"
#include "lib/dkim/sign_table.h"
#include "lib/dkim/signature.h"
#include "lib/dkim/tag_list.h"
#include "lib/dkim/verifier.h"
#include "lib/dns/zone_data.h"

namespace {

event::Task<void> finish(dkim::Verifier& verifier, dkim::Verdict& verdict) { verdict = co_await verifier.finish(); }

// The same message in one piece and octet by octet: the verdicts must be the same, and none may pass without a key.
void verify(std::string_view message) {
    dkim::Verdict verdicts[2];
    for (int i = 0; i < 2; ++i) {
        event::Loop loop;
        dns::ZoneData dns;
        dkim::KeyCache keys;
        dkim::Options options;
        options.now = 1'700'000'000;
        options.max_header = 10'000;
        dkim::Verifier verifier(loop, dns, keys, options);
        const std::size_t piece = i == 0 ? message.size() + 1 : 1;
        for (std::size_t at = 0; at < message.size(); at += piece)
            verifier.feed(message.substr(at, piece));
        loop.spawn(finish(verifier, verdicts[i]));
        loop.run_until_idle();
    }
    if (verdicts[0].signatures.size() != verdicts[1].signatures.size() || verdicts[0].arc.code != verdicts[1].arc.code)
        std::abort();
    for (std::size_t i = 0; i < verdicts[0].signatures.size(); ++i)
        if (verdicts[0].signatures[i].reason != verdicts[1].signatures[i].reason ||
            verdicts[0].signatures[i].code == dkim::Code::pass)
            std::abort();
    if (verdicts[0].arc.code == dkim::Code::pass)
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto tags = dkim::TagList::parse(text)) {
        for (const dkim::Tag& tag : tags->tags())
            if (tag.begin > tag.end || tag.end > text.size())
                std::abort();
    }
    for (dkim::SignatureKind kind : {dkim::SignatureKind::dkim, dkim::SignatureKind::arc_message}) {
        dkim::Signature signature;
        const auto problem = dkim::parse_signature(text, kind, signature);
        if (!problem && (signature.domain.empty() || signature.names.empty() || signature.value.empty()))
            std::abort();
        signature.key_name();
    }
    if (const auto record = dkim::parse_key_record(text))
        dkim::PublicKey::load(record->type, record->data);
    dkim::PublicKey::load(dkim::KeyType::rsa, text);
    dkim::parse_sign_table_entry(text);
    verify(text);
    return 0;
}
