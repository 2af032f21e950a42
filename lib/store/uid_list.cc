#include "lib/store/uid_list.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "lib/store/maildir_name.h"
#include "lib/store/trouble.h"
#include "lib/text/append.h"

namespace store {
namespace {

constexpr const char* kFile = "dovecot-uidlist";
constexpr const char* kNewFile = "dovecot-uidlist.tmp";
constexpr std::size_t kNextDigits = 10;

std::uint32_t leading_number(std::string_view text) {
    std::uint32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

std::string_view take_line(std::string_view& text) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::string_view take_word(std::string_view& line) {
    std::size_t end = std::min(line.find(' '), line.size());
    std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

void parse_header(std::string_view line, UidList::Contents& contents) {
    std::string_view version = take_word(line);
    if (version == "1") {
        contents.uid_validity = leading_number(take_word(line));
        contents.uid_next = leading_number(take_word(line));
    } else {
        while (!line.empty()) {
            std::string_view word = take_word(line);
            if (word.starts_with('V'))
                contents.uid_validity = leading_number(word.substr(1));
            else if (word.starts_with('N'))
                contents.uid_next = leading_number(word.substr(1));
            else if (word.starts_with('G'))
                contents.guid = word.substr(1);
        }
    }
    contents.found = contents.uid_validity != 0;
    contents.uid_next = std::max(contents.uid_next, 1u);
}

void parse_entry(std::string_view line, UidList::Contents& contents) {
    UidListEntry entry;
    entry.uid = leading_number(line);
    std::size_t colon = line.find(" :");
    if (colon == std::string_view::npos) {  // version 1: UID, blank, name
        take_word(line);
        entry.base = maildir_base(line);
    } else {
        entry.base = maildir_base(line.substr(colon + 2));
    }
    if (entry.uid == 0 || entry.base.empty())
        return;
    contents.uid_next = std::max(contents.uid_next, entry.uid == UINT32_MAX ? entry.uid : entry.uid + 1);
    contents.entries.push_back(std::move(entry));
}

std::string read_all(int file) {
    struct stat info {};
    std::string text;
    if (fstat(file, &info) != 0)
        return text;
    text.resize(static_cast<std::size_t>(info.st_size));
    std::size_t have = 0;
    while (have < text.size()) {
        ssize_t n = ::read(file, text.data() + have, text.size() - have);
        if (n <= 0)
            break;
        have += static_cast<std::size_t>(n);
    }
    text.resize(have);
    return text;
}

bool write_at(int file, std::string_view text, off_t at) {
    while (!text.empty()) {
        ssize_t n = pwrite(file, text.data(), text.size(), at);
        if (n <= 0)
            return false;
        text.remove_prefix(static_cast<std::size_t>(n));
        at += n;
    }
    return true;
}

std::string entry_lines(const std::vector<UidListEntry>& entries) {
    std::string text;
    for (const UidListEntry& entry : entries)
        text::append(text, "{} :{}\n", entry.uid, entry.base);
    return text;
}

}  // namespace

UidList::Contents parse_uid_list(std::string_view text) {
    UidList::Contents contents;
    if (text.empty())
        return contents;
    contents.entries.reserve(text.size() / 60);
    parse_header(take_line(text), contents);
    while (!text.empty()) {
        ++contents.lines;
        parse_entry(take_line(text), contents);
    }
    return contents;
}

std::string format_uid_list(const UidList::Contents& contents) {
    std::string text = fmt::format("3 V{} N{:010} G{}\n", contents.uid_validity, contents.uid_next, contents.guid);
    return text + entry_lines(contents.entries);
}

event::Fd UidList::open_file(int flags) const {
    event::Fd file(openat(folder_, kFile, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat info {};
    if (file && (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)))
        trouble(Failure::Kind::temporary, fmt::format("{}: {} is not a regular file", name_, kFile));
    return file;
}

UidList::Contents UidList::read() {
    event::Fd file = open_file(O_RDONLY);
    if (!file) {
        if (errno != ENOENT)
            system_trouble(fmt::format("{}: open {}", name_, kFile));
        return {};
    }
    return parse_uid_list(read_all(file.get()));
}

bool UidList::identity(struct stat& info) const { return fstatat(folder_, kFile, &info, AT_SYMLINK_NOFOLLOW) == 0; }

void UidList::append(const std::vector<UidListEntry>& entries, bool durable) {
    event::Fd file = open_file(O_WRONLY);
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0)
        system_trouble(fmt::format("{}: open {}", name_, kFile));
    if (!write_at(file.get(), entry_lines(entries), info.st_size)) {
        int error = errno;
        if (ftruncate(file.get(), info.st_size) != 0)
            error = errno;
        system_trouble(fmt::format("{}: write {}", name_, kFile), error);
    }
    if (durable && fdatasync(file.get()) != 0)
        system_trouble(fmt::format("{}: sync {}", name_, kFile));
}

void UidList::raise_next(std::uint32_t uid_next) {
    event::Fd file = open_file(O_RDWR);
    if (!file)
        system_trouble(fmt::format("{}: open {}", name_, kFile));
    char start[256];
    ssize_t length = pread(file.get(), start, sizeof start, 0);
    std::string_view line(start, length > 0 ? static_cast<std::size_t>(length) : 0);
    line = line.substr(0, line.find('\n'));
    std::size_t at = line.find(" N");
    std::size_t end = at == std::string_view::npos ? at : std::min(line.find(' ', at + 1), line.size());
    if (line.starts_with("3 ") && at != std::string_view::npos && end - at - 2 == kNextDigits) {
        std::string digits = fmt::format("{:010}", uid_next);
        if (!write_at(file.get(), digits, static_cast<off_t>(at + 2)) || fdatasync(file.get()) != 0)
            system_trouble(fmt::format("{}: write {}", name_, kFile));
        return;
    }
    // Written by Dovecot, with as many digits as were needed then.
    Contents contents = read();
    contents.uid_next = uid_next;
    rewrite(contents);
}

void UidList::rewrite(const Contents& contents) {
    event::Fd file(openat(folder_, kNewFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    bool written = file && write_at(file.get(), format_uid_list(contents), 0) &&
                   renameat(folder_, kNewFile, folder_, kFile) == 0 && fsync(file.get()) == 0;
    if (!written) {
        int error = errno;
        unlinkat(folder_, kNewFile, 0);
        system_trouble(fmt::format("{}: write {}", name_, kFile), error);
    }
}

}  // namespace store
