#include "lib/queue/queue_id.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "lib/event/fd.h"
#include "lib/fields/bytes.h"
#include "lib/queue/crc32c.h"
#include "lib/time/clock.h"

namespace queue {
namespace {

using fields::put_int;
using fields::Reader;

constexpr std::string_view kDigits52 = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::size_t kMaxLength = 64;

std::string format_base(std::uint64_t value, std::uint64_t base, std::size_t width) {
    std::string text;
    while (value > 0 || text.size() < width) {
        text.push_back(kDigits52[value % base]);
        value /= base;
    }
    std::reverse(text.begin(), text.end());
    return text;
}

std::optional<std::uint64_t> parse_base(std::string_view text, std::string_view digits) {
    std::uint64_t value = 0;
    for (const char c : text) {
        const std::size_t digit = digits.find(c);
        if (digit == std::string_view::npos || value > UINT64_MAX / 64 - digit)
            return std::nullopt;
        value = value * digits.size() + digit;
    }
    return value;
}

// The counter is 8 bytes and their checksum, so that a damaged one is noticed and the clock used alone.
std::optional<std::uint64_t> read_counter(int fd) {
    char raw[12];
    if (pread(fd, raw, sizeof raw, 0) != static_cast<ssize_t>(sizeof raw))
        return std::nullopt;
    Reader reader{{raw, sizeof raw}};
    const auto value = reader.take_int<std::uint64_t>();
    if (reader.take_int<std::uint32_t>() != crc32c({raw, 8}))
        return std::nullopt;
    return value;
}

bool write_counter(int fd, std::uint64_t value) {
    std::string raw;
    put_int(raw, value);
    put_int(raw, crc32c(raw));
    return pwrite(fd, raw.data(), raw.size(), 0) == static_cast<ssize_t>(raw.size());
}

}  // namespace

bool is_queue_id(std::string_view text) {
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    return text.size() >= 5 && text.size() <= kMaxLength && std::all_of(text.begin(), text.end(), fits);
}

std::string format_queue_id(std::uint64_t microseconds, IdForm form) {
    if (form == IdForm::short_form) {
        std::string text;
        for (std::uint64_t value = microseconds; value > 0 || text.size() < 6; value >>= 4)
            text.push_back(kHexDigits[value & 15]);
        std::reverse(text.begin(), text.end());
        return text;
    }
    // Base 51 for the last part: there the letter z is the separator and cannot be a digit.
    return format_base(microseconds / kSecond, 52, 6) + format_base(microseconds % kSecond, 52, 4) + "z" +
           format_base(static_cast<std::uint64_t>(getpid()), 51, 4);
}

std::optional<std::uint64_t> parse_queue_id_time(std::string_view text) {
    if (!is_queue_id(text))
        return std::nullopt;
    const std::size_t separator = text.rfind('z');
    if (separator == std::string_view::npos)
        return parse_base(text, kHexDigits);
    if (separator < 10)
        return std::nullopt;
    const auto seconds = parse_base(text.substr(0, separator - 4), kDigits52);
    const auto micros = parse_base(text.substr(separator - 4, 4), kDigits52);
    if (!seconds || !micros || *micros >= kSecond)
        return std::nullopt;
    return *seconds * kSecond + *micros;
}

std::expected<void, std::string> IdSource::take_block(std::uint64_t now) {
    const event::Fd file{open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file || flock(file.get(), LOCK_EX) != 0)
        return std::unexpected(fmt::format("queue id counter {}: {}", path_, std::strerror(errno)));
    const std::uint64_t start = std::max(read_counter(file.get()).value_or(0), now);
    if (!write_counter(file.get(), start + kBlock))
        return std::unexpected(fmt::format("queue id counter {}: {}", path_, std::strerror(errno)));
    next_ = start;
    end_ = start + kBlock;
    return {};
}

std::expected<std::string, std::string> IdSource::next() {
    const std::uint64_t now = clock_ ? clock_() : static_cast<std::uint64_t>(wall_clock::now_us());
    if (next_ == end_ || now > next_ + kSecond) {
        if (auto taken = take_block(now); !taken)
            return std::unexpected(taken.error());
    }
    return format_queue_id(next_++, form_);
}

}  // namespace queue
