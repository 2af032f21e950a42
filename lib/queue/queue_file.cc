#include "lib/queue/queue_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/fields/bytes.h"
#include "lib/queue/crc32c.h"
#include "lib/queue/files.h"

namespace queue {
namespace {

using fields::put_int;
using fields::Reader;

// The first byte is no text, the line ends show a file that went through a text conversion.
constexpr std::string_view kMagic{"\x93MPQ\r\n\x1a\n", 8};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFlushAt = 256 << 10;

std::expected<Layout, Damage> decode_preamble(std::string_view raw) {
    const auto damaged = [](const char* text) { return std::unexpected(Damage{Damage::Kind::damaged, text}); };
    const bool blank = raw.find_first_not_of('\0') == std::string_view::npos;
    if (blank)
        return std::unexpected(Damage{Damage::Kind::unfinished, "there is no preamble"});
    if (raw.size() < kPreambleSize)
        return damaged("the file ends inside the preamble");
    Reader reader{raw};
    if (reader.take_bytes(kMagic.size()) != kMagic)
        return damaged("this is not a queue file");
    const auto version = reader.take_int<std::uint32_t>();
    const auto size = reader.take_int<std::uint32_t>();
    Layout layout;
    layout.arrival_us = reader.take_int<std::int64_t>();
    layout.content_offset = reader.take_int<std::uint64_t>();
    layout.content_length = reader.take_int<std::uint64_t>();
    layout.envelope_offset = reader.take_int<std::uint64_t>();
    layout.envelope_length = reader.take_int<std::uint64_t>();
    layout.content_checksum = reader.take_int<std::uint32_t>();
    layout.envelope_checksum = reader.take_int<std::uint32_t>();
    Reader last{raw.substr(kPreambleSize - 4)};
    if (last.take_int<std::uint32_t>() != crc32c(raw.substr(0, kPreambleSize - 4)))
        return damaged("the preamble does not match its checksum");
    if (version != kVersion || size != kPreambleSize)
        return damaged("the file has a version that this program does not know");
    return layout;
}

// Fills `into` from the file; false at a premature end.
std::expected<bool, Failure> read_at(int file, std::uint64_t offset, char* into, std::size_t size) {
    while (size > 0) {
        const ssize_t got = pread(file, into, size, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return std::unexpected(Failure{errno, fmt::format("read: {}", std::strerror(errno))});
        if (got == 0)
            return false;
        into += got;
        offset += static_cast<std::uint64_t>(got);
        size -= static_cast<std::size_t>(got);
    }
    return true;
}

Damage unreadable(const Failure& trouble) { return {Damage::Kind::unreadable, trouble.text}; }

std::expected<std::string, Damage> read_part(int file, std::uint64_t offset, std::uint64_t length) {
    std::string bytes(length, '\0');
    const auto whole = read_at(file, offset, bytes.data(), bytes.size());
    if (!whole)
        return std::unexpected(unreadable(whole.error()));
    if (!*whole)
        return std::unexpected(Damage{Damage::Kind::damaged, "the file is shorter than it says"});
    return bytes;
}

std::expected<void, Damage> verify_content(int file, const Layout& layout) {
    std::string block(std::min<std::uint64_t>(layout.content_length, kFlushAt), '\0');
    std::uint32_t checksum = 0;
    for (std::uint64_t done = 0; done < layout.content_length;) {
        const std::size_t size = std::min<std::uint64_t>(block.size(), layout.content_length - done);
        const auto whole = read_at(file, layout.content_offset + done, block.data(), size);
        if (!whole)
            return std::unexpected(unreadable(whole.error()));
        if (!*whole)
            return std::unexpected(Damage{Damage::Kind::damaged, "the content is shorter than it should be"});
        checksum = crc32c({block.data(), size}, checksum);
        done += size;
    }
    if (checksum != layout.content_checksum)
        return std::unexpected(Damage{Damage::Kind::damaged, "the content does not match its checksum"});
    return {};
}

std::expected<void, Damage> check_bounds(const Layout& layout, std::uint64_t file_size) {
    // Written so that no sum can wrap around.
    const bool fits = layout.content_offset >= kPreambleSize && layout.content_offset <= kPreambleSize + kMaxRoom &&
                      layout.content_length <= file_size &&
                      layout.envelope_offset == layout.content_offset + layout.content_length &&
                      layout.envelope_offset <= file_size && layout.envelope_length <= kMaxEnvelope &&
                      layout.envelope_length <= file_size - layout.envelope_offset;
    if (!fits)
        return std::unexpected(Damage{Damage::Kind::damaged, "the file is shorter than its preamble says"});
    return {};
}

}  // namespace

bool Failure::disk_full() const { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

std::string encode_preamble(const Layout& layout) {
    std::string out{kMagic};
    put_int(out, kVersion);
    put_int(out, static_cast<std::uint32_t>(kPreambleSize));
    put_int(out, layout.arrival_us);
    put_int(out, layout.content_offset);
    put_int(out, layout.content_length);
    put_int(out, layout.envelope_offset);
    put_int(out, layout.envelope_length);
    put_int(out, layout.content_checksum);
    put_int(out, layout.envelope_checksum);
    out.resize(kPreambleSize - 4, '\0');
    put_int(out, crc32c(out));
    return out;
}

QueueWriter::QueueWriter(int root, QueueName queue, std::string id, event::Fd file)
    : root_{root}, queue_{queue}, id_{std::move(id)}, file_{std::move(file)} {
    buffer_.assign(kPreambleSize, '\0');
}

QueueWriter::QueueWriter(QueueWriter&& other) noexcept
    : root_{other.root_},
      queue_{other.queue_},
      id_{std::move(other.id_)},
      file_{std::move(other.file_)},
      buffer_{std::move(other.buffer_)},
      written_{other.written_},
      content_offset_{other.content_offset_},
      content_length_{other.content_length_},
      checksum_{other.checksum_},
      committed_{other.committed_} {}

QueueWriter::~QueueWriter() {
    if (file_ && !committed_)
        unlinkat(root_, path().c_str(), 0);
}

std::string QueueWriter::path() const { return files::path_of(queue_, id_); }

std::expected<QueueWriter, Failure> QueueWriter::create(int root, QueueName queue, std::string_view id) {
    const std::string path = files::path_of(queue, id);
    event::Fd file{openat(root, path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file)
        return std::unexpected(Failure{errno, fmt::format("create {}: {}", path, std::strerror(errno))});
    if (!files::lock(file.get())) {
        const Failure refused = files::trouble("lock", path);
        unlinkat(root, path.c_str(), 0);
        return std::unexpected(refused);
    }
    return QueueWriter{root, queue, std::string{id}, std::move(file)};
}

Failure QueueWriter::trouble(const char* call) const {
    return {errno, fmt::format("{} {}: {}", call, path(), std::strerror(errno))};
}

std::expected<void, Failure> QueueWriter::write_at(std::string_view bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t done = pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return std::unexpected(trouble("write"));
        bytes.remove_prefix(static_cast<std::size_t>(done));
        offset += static_cast<std::uint64_t>(done);
    }
    return {};
}

void QueueWriter::reserve(std::size_t room) {
    content_offset_ = kPreambleSize + std::min(room, kMaxRoom);
    buffer_.resize(content_offset_, '\0');
}

std::expected<void, Failure> QueueWriter::prepend(std::string_view text) {
    const std::uint64_t room = content_offset_ - kPreambleSize;
    if (text.size() > (written_ > 0 ? room : kMaxRoom))
        return std::unexpected(Failure{E2BIG, fmt::format("prepend to {}: {} octets do not fit in the {} kept for them",
                                                  path(), text.size(), written_ > 0 ? room : kMaxRoom)});
    if (text.size() > room) {
        buffer_.insert(content_offset_, text.size() - room, '\0');
        content_offset_ = kPreambleSize + text.size();
    }
    content_offset_ -= text.size();
    checksum_ = crc32c_join(crc32c(text), checksum_, content_length_);
    content_length_ += text.size();
    if (written_ > 0)
        return write_at(text, content_offset_);
    buffer_.replace(content_offset_, text.size(), text);
    return {};
}

std::expected<void, Failure> QueueWriter::append(std::string_view content) {
    checksum_ = crc32c(content, checksum_);
    content_length_ += content.size();
    buffer_.append(content);
    if (buffer_.size() < kFlushAt)
        return {};
    auto done = write_at(buffer_, written_);
    written_ += buffer_.size();
    buffer_.clear();
    return done;
}

std::expected<void, Failure> QueueWriter::sync(bool directory_too) {
    // The mail owner has to read what users submit; nobody else can enter the folder. Before the sync: after a power cut the
    // mail owner has to read it still.
    if (queue_ == QueueName::maildrop && fchmod(file_.get(), 0644) != 0)
        return std::unexpected(trouble("chmod"));
    if (fsync(file_.get()) != 0)
        return std::unexpected(trouble("fsync"));
    if (!directory_too)
        return {};
    const event::Fd directory{openat(root_, std::string{name_of(queue_)}.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory || fsync(directory.get()) != 0)
        return std::unexpected(trouble("fsync the directory of"));
    return {};
}

std::expected<Claim, Failure> QueueWriter::commit(std::string_view envelope, std::int64_t arrival_us, bool sync_directory) {
    Layout layout;
    layout.arrival_us = arrival_us;
    layout.content_offset = content_offset_;
    layout.content_length = content_length_;
    layout.content_checksum = checksum_;
    layout.envelope_offset = layout.content_offset + content_length_;
    layout.envelope_length = envelope.size();
    layout.envelope_checksum = crc32c(envelope);
    const std::string preamble = encode_preamble(layout);
    buffer_.append(envelope);

    std::expected<void, Failure> done;
    if (written_ == 0) {  // the usual case: all of a small message in one write
        buffer_.replace(0, kPreambleSize, preamble);
        done = write_at(buffer_, 0);
    } else {
        done = write_at(buffer_, written_);
        if (done)
            done = write_at(preamble, 0);
    }
    if (done)
        done = sync(sync_directory);
    if (!done)
        return std::unexpected(done.error());  // the destructor removes the file
    committed_ = true;
    return Claim{root_, queue_, id_, std::move(file_), layout.content(), layout.status_offset()};
}

std::expected<MessageFile, Damage> read_message(int file, Verify verify) {
    struct stat info {};
    if (fstat(file, &info) != 0)
        return std::unexpected(Damage{Damage::Kind::unreadable, std::strerror(errno)});
    if (!S_ISREG(info.st_mode))
        return std::unexpected(Damage{Damage::Kind::damaged, "this is not a regular file"});
    const auto size = static_cast<std::uint64_t>(info.st_size);

    const auto raw = read_part(file, 0, std::min<std::uint64_t>(size, kPreambleSize));
    if (!raw)
        return std::unexpected(raw.error());
    const auto layout = decode_preamble(*raw);
    if (!layout)
        return std::unexpected(layout.error());
    if (const auto fits = check_bounds(*layout, size); !fits)
        return std::unexpected(fits.error());

    const auto rest = read_part(file, layout->envelope_offset, size - layout->envelope_offset);
    if (!rest)
        return std::unexpected(rest.error());
    const std::string_view envelope_bytes = std::string_view{*rest}.substr(0, layout->envelope_length);
    if (crc32c(envelope_bytes) != layout->envelope_checksum)
        return std::unexpected(Damage{Damage::Kind::damaged, "the envelope does not match its checksum"});
    auto envelope = decode_envelope(envelope_bytes);
    if (!envelope)
        return std::unexpected(Damage{Damage::Kind::damaged, envelope.error()});
    if (verify == Verify::content_too) {
        if (const auto content = verify_content(file, *layout); !content)
            return std::unexpected(content.error());
    }

    const std::string_view tail = std::string_view{*rest}.substr(layout->envelope_length);
    Statuses statuses = decode_statuses(tail, envelope->recipients.size());
    MessageFile message;
    message.layout = *layout;
    message.envelope = std::move(*envelope);
    message.statuses = std::move(statuses.records);
    message.status_end = layout->status_offset() + statuses.valid_bytes;
    message.torn = statuses.valid_bytes != tail.size();
    message.expire = (info.st_mode & files::kExpireBit) != 0;
    return message;
}

bool Message::expansion_reported() const {
    return std::any_of(statuses.begin(), statuses.end(),
        [](const Status& status) { return status.recipient == kWholeMessage && status.outcome == Outcome::reported; });
}

}  // namespace queue
