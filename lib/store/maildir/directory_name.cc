#include "lib/store/maildir/directory_name.h"

#include <algorithm>
#include <optional>

#include "lib/imap/mailbox_name.h"
#include "lib/store/thrown_failure.h"

namespace store {

std::string directory_of(std::string_view given, char separator) {
    std::string name = imap::canonical_mailbox(given, separator);
    if (name == "INBOX")
        return ".";
    auto refuse = [&name](const char* why) {
        trouble(Failure::Kind::bad_name, imap::encode_utf7(name.substr(0, 100)) + ": " + why);
    };
    std::optional<std::string> readable = imap::decode_utf7(name);
    if (!readable)
        refuse("not a mailbox name in modified UTF-7");
    for (char c : *readable) {
        if (static_cast<unsigned char>(c) < 32 || c == 127)
            refuse("control characters are not allowed in a mailbox name");
    }
    if (name.size() > kMaxDirectoryName)
        refuse("mailbox name is too long");
    std::string directory = ".";
    for (char c : name) {
        if (c == separator)
            directory += '.';
        else if (c == '/' || c == '.')
            refuse(c == '/' ? "'/' is not allowed in a mailbox name" : "'.' is not allowed in a mailbox name");
        else
            directory += c;
    }
    if (directory.find("..") != std::string::npos || directory.ends_with('.'))
        refuse("a level of the mailbox name is empty");
    return directory;
}

std::string name_of(std::string_view directory, char separator) {
    if (directory == ".")
        return "INBOX";
    std::string name(directory.substr(1));
    std::replace(name.begin(), name.end(), '.', separator);
    return name;
}

}  // namespace store
