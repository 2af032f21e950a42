#include "lib/store/maildir/subscriptions.h"

#include <algorithm>

#include "lib/imap/mailbox_name.h"
#include "lib/text/text.h"

namespace store {

std::vector<std::string> parse_subscriptions(std::string_view text, char separator) {
    bool second_form = text.starts_with("V\t2");  // the head is followed by an empty line
    std::vector<std::string> names;
    for (std::string_view line : text::split(text, "\n")) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty() || (second_form && line.starts_with("V\t")))
            continue;
        std::string name(line);
        if (second_form)
            std::replace(name.begin(), name.end(), '\t', separator);
        if (!imap::decode_utf7(name))
            name = imap::encode_utf7(name);
        names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

std::string format_subscriptions(std::vector<std::string> names, char separator) {
    std::string text = "V\t2\n\n";
    for (std::string& line : names) {
        std::replace(line.begin(), line.end(), separator, '\t');
        text += line + "\n";
    }
    return text;
}

}  // namespace store
