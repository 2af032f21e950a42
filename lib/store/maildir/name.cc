#include "lib/store/maildir/name.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <ctime>

namespace store {
namespace {

struct Letter {
    char letter;
    Flags bit;
};
constexpr Letter kLetters[] = {
    {'D', kDraft}, {'F', kFlagged}, {'P', kPassed}, {'R', kAnswered}, {'S', kSeen}, {'T', kDeleted}};

Flags letter_flags(std::string_view letters) {
    Flags flags = 0;
    for (char c : letters) {
        if (c >= 'a' && c <= 'z')
            flags |= keyword_bit(static_cast<std::size_t>(c - 'a'));
        for (const Letter& known : kLetters) {
            if (known.letter == c)
                flags |= known.bit;
        }
    }
    return flags;
}

template <class Number>
std::optional<Number> number(std::string_view digits) {
    Number value{};
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.empty())
        return std::nullopt;
    return value;
}

void read_size_fields(MaildirName& parsed) {
    std::string_view rest = parsed.base;
    for (std::size_t comma = rest.find(','); comma != std::string_view::npos; comma = rest.find(',')) {
        rest.remove_prefix(comma + 1);
        std::string_view field = rest.substr(0, rest.find(','));
        if (field.starts_with("S="))
            parsed.size = number<std::uint64_t>(field.substr(2));
        else if (field.starts_with("W="))
            parsed.virtual_size = number<std::uint64_t>(field.substr(2));
        else if (field.starts_with("U="))
            parsed.uid = number<std::uint32_t>(field.substr(2));
    }
}

// As maildir(5) wants it: "/" and ":" cannot stand in a file name.
std::string encoded_host_name() {
    char name[256] = "localhost";
    gethostname(name, sizeof name - 1);
    std::string encoded;
    for (char c : std::string_view(name).substr(0, 64)) {
        if (c == '/')
            encoded += "\\057";
        else if (c == ':')
            encoded += "\\072";
        else if (c > ' ' && c < 127 && c != ',')
            encoded += c;
    }
    return encoded;
}

}  // namespace

std::string_view maildir_base(std::string_view name) { return name.substr(0, name.find(':')); }

MaildirName parse_maildir_name(std::string_view name) {
    MaildirName parsed;
    parsed.base = maildir_base(name);
    std::string_view info = name.substr(parsed.base.size());
    if (info.starts_with(":2,"))
        parsed.flags = letter_flags(info.substr(3));
    read_size_fields(parsed);
    return parsed;
}

std::string maildir_info(Flags flags) {
    std::string info = ":2,";
    for (const Letter& letter : kLetters) {
        if (flags & letter.bit)
            info += letter.letter;
    }
    for (std::size_t i = 0; i < kMaxKeywords; ++i) {
        if (flags & keyword_bit(i))
            info += static_cast<char>('a' + i);
    }
    return info;
}

std::string unique_maildir_name() {
    static const std::string host = encoded_host_name();
    static std::atomic<std::uint32_t> counter{0};
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return fmt::format("{}.M{}P{}Q{}.{}", now.tv_sec, now.tv_nsec / 1000, getpid(), ++counter, host);
}

bool is_message_name(std::string_view name) {
    if (name.empty() || name.front() == '.')
        return false;
    return std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
}

}  // namespace store
