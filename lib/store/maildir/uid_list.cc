#include "lib/store/maildir/uid_list.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "lib/store/maildir/name.h"
#include "lib/store/maildir/small_file.h"
#include "lib/store/thrown_failure.h"
#include "lib/text/append.h"

namespace store {
namespace {

constexpr const char* kFile = "dovecot-uidlist";
constexpr std::size_t kNextDigits = 10;
constexpr std::size_t kModseqDigits = 19;
constexpr std::uint64_t kLargestModseq = std::uint64_t{1} << 62;  // half of what there is: nobody counts so far

template <class Number = std::uint32_t>
Number leading_number(std::string_view text) {
    Number value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// Puts a number over the one that a header has under this letter; false if that one has another length.
bool put_digits(std::string& header, char letter, std::size_t digits, std::uint64_t value) {
    const char word[] = {' ', letter, '\0'};
    std::size_t at = header.find(word);
    if (at == std::string::npos || std::min(header.find(' ', at + 1), header.size()) - at - 2 != digits)
        return false;
    header.replace(at + 2, digits, fmt::format("{:0{}}", value, digits));
    return true;
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
            else if (word.starts_with('M'))
                contents.modseq_next = leading_number<std::uint64_t>(word.substr(1));
            else if (word.starts_with('G'))
                contents.guid = word.substr(1);
        }
    }
    contents.found = contents.uid_validity != 0;
    contents.uid_next = std::max(contents.uid_next, 1u);
    if (contents.modseq_next > kLargestModseq)
        contents.modseq_next = 0;
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
    std::string text = fmt::format(
        "3 V{} N{:010} G{} M{:019}\n", contents.uid_validity, contents.uid_next, contents.guid, contents.modseq_next);
    return text + entry_lines(contents.entries);
}

event::Fd UidList::open_file(int flags) const {
    event::Fd file(openat(folder_, kFile, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat info {};
    if (file && (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)))
        trouble(Failure::Kind::temporary, fmt::format("{}: {} is not a regular file", name_, kFile));
    return file;
}

UidList::Contents UidList::read() { return parse_uid_list(read_small_file(folder_, kFile, name_)); }

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

void UidList::raise(std::uint32_t uid_next, std::uint64_t modseq_next) {
    event::Fd file = open_file(O_RDWR);
    if (!file)
        system_trouble(fmt::format("{}: open {}", name_, kFile));
    char start[256];
    ssize_t length = pread(file.get(), start, sizeof start, 0);
    std::string line(start, length > 0 ? static_cast<std::size_t>(length) : 0);
    line.resize(std::min(line.find('\n'), line.size()));
    if (line.starts_with("3 ") && put_digits(line, 'N', kNextDigits, uid_next) &&
        put_digits(line, 'M', kModseqDigits, modseq_next)) {
        if (!write_at(file.get(), line, 0) || fdatasync(file.get()) != 0)
            system_trouble(fmt::format("{}: write {}", name_, kFile));
        return;
    }
    // Written by Dovecot, with as many digits as were needed then, or before there were modseqs.
    Contents contents = read();
    contents.uid_next = uid_next;
    contents.modseq_next = modseq_next;
    rewrite(contents);
}

void UidList::rewrite(const Contents& contents) { replace_small_file(folder_, kFile, format_uid_list(contents), name_); }

}  // namespace store
