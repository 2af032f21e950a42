// lib/store/maildir/name.h - the name of a message file.
//
//     1767225600.M123P77Q1.host,S=2048,W=2090,U=17:2,FS
//     `------------- base -----------------------´ `info´
//
// S= is the file's size, W= the size with CR LF line ends, U= the UID (only in names that we made).
//
// Trust       names may have been made by anybody who can write to the mailbox.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/store/flags.h"

namespace store {

struct MaildirName {
    std::string_view base;  // what stays when flags change; identifies the message in its mailbox
    Flags flags = 0;
    std::optional<std::uint64_t> size;
    std::optional<std::uint64_t> virtual_size;
    std::optional<std::uint32_t> uid;
};

MaildirName parse_maildir_name(std::string_view name);
std::string_view maildir_base(std::string_view name);

// `:2,` and the letters, in their order.
std::string maildir_info(Flags flags);

// A name that nobody has used, without sizes and UID: time, process, counter, host.
std::string unique_maildir_name();

// True for names that can be messages: no leading dot, no control characters.
bool is_message_name(std::string_view name);

}  // namespace store
