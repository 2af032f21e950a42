// lib/store/maildir/small_file.h - the files beside the messages: read at once, replaced as a whole.
//
// Failure     throws ThrownFailure naming the mailbox and the file; a file that is not there reads as empty.
// Trust       the files belong to the user: no link is followed, nothing but a regular file is read, and its size is
// bounded.
#pragma once

#include <string>
#include <string_view>

namespace store {

std::string read_small_file(int directory, const char* name, const std::string& mailbox);

// All or nothing, and durable: written aside, synced, renamed, and the directory synced. One caller at a time.
void replace_small_file(int directory, const char* name, std::string_view text, const std::string& mailbox);

}  // namespace store
