// lib/file/replace.h - a file's new content in place of the old, so that nobody ever sees half of it.
//
//     auto done = file::replace_file(path, text, {.mode = 0600});
//     if (!done) command::fatal(done.error().text());      // "create /etc/x.new.12: No space left on device"
//
// The content is written beside the file, synced, renamed over it, and the directory synced. A power cut leaves the old
// content or the new; after success it is the new.
//
// Failure     what could not be done, with the path and errno; the old file is as it was, and nothing is left beside it.
// Trust       the name beside the file is made with O_EXCL and never followed, so a directory in which others may write is
// no
//             trap; whether `path` itself is safe is the caller's to know.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>

namespace file {

struct Failure {
    std::string what;  // "create /etc/x.new.12"
    int error = 0;     // errno

    std::string text() const;
};

struct Rights {
    mode_t mode = 0644;       // of a file that was not there before
    bool keep_rights = true;  // mode and owner of the file that is replaced stay
};

std::expected<void, Failure> replace_file(const std::string& path, std::string_view content, Rights rights = {});

// The same below an open directory: no other one can be put under the path meanwhile.
std::expected<void, Failure> replace_file_at(
    int directory, const std::string& name, std::string_view content, Rights rights = {});

// As replace_file(), for a file that is written and synced already, under the name `fresh` in the same directory; removed on
// failure.
std::expected<void, Failure> publish(const std::string& fresh, const std::string& path);

// Names that were made, removed or changed in this directory survive a power cut.
std::expected<void, Failure> sync_directory(const std::string& path);

// "etc" of "etc/main.cf"; "." where there is no slash.
std::string directory_of(const std::string& path);

}  // namespace file
