// Feeds everything that reads IMAP commands. What was accepted must have been within the limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/imap/command.h"
#include "lib/imap/fetch.h"
#include "lib/imap/literal.h"
#include "lib/imap/mailbox_name.h"
#include "lib/imap/search.h"

namespace {

template <class Parse>
void quietly(Parse parse) {
    try {
        parse();
    } catch (const imap::SyntaxError&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const imap::Extensions offered;
    imap::announced_literal(text);
    auto command = imap::split_command(text);
    std::string_view args = command ? command->args : text;
    quietly([&] {
        imap::Cursor cursor(args);
        auto items = imap::parse_fetch_items(cursor, offered);
        if (items.size() > imap::kMaxFetchItems)
            std::abort();
        for (const imap::FetchItem& item : items)
            imap::format_item_name(item);
    });
    quietly([&] {
        imap::Cursor cursor(args);
        imap::parse_search(cursor, offered);
    });
    quietly([&] { imap::parse_sequence_set(args).resolve(1000); });
    quietly([&] { imap::parse_store(args, offered); });
    quietly([&] { imap::parse_copy(args); });
    quietly([&] { imap::parse_append(args); });
    quietly([&] { imap::parse_status(args, offered); });
    quietly([&] { imap::parse_list(args); });
    quietly([&] { imap::parse_select(args); });
    quietly([&] { imap::parse_enable(args); });
    quietly([&] { imap::parse_astrings(args, 2); });
    quietly([&] { imap::parse_authenticate(args); });
    quietly([&] { imap::parse_id(args); });
    if (auto name = imap::decode_utf7(args); name && imap::encode_utf7(*name) != args)
        std::abort();
    std::string_view pattern = args.substr(0, args.size() / 2);
    imap::matches_pattern(args.substr(args.size() / 2).substr(0, 300), pattern.substr(0, 300), '.');
    return 0;
}
