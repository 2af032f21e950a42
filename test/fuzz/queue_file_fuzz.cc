// Feeds the queue file reader files that nobody wrote. Mode one: the bytes as they are. Mode two (first byte odd):
// a preamble with right checksums is put around them, so that the envelope decoder is reached.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "lib/queue/crc32c.h"
#include "lib/queue/queue_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int file = memfd_create("queue-file", MFD_CLOEXEC);
    std::string bytes(reinterpret_cast<const char*>(data), size);
    if (!bytes.empty() && (bytes[0] & 1) != 0) {
        const std::string body = bytes.substr(1);
        queue::Layout layout;
        layout.content_length = body.size() / 4;
        layout.content_checksum = queue::crc32c(body.substr(0, layout.content_length));
        layout.envelope_offset = queue::kPreambleSize + layout.content_length;
        layout.envelope_length = body.size() / 2;
        layout.envelope_checksum = queue::crc32c(body.substr(layout.content_length, layout.envelope_length));
        bytes = queue::encode_preamble(layout) + body;
    }
    if (ftruncate(file, 0) != 0 || pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        abort();
    const auto message = queue::read_message(file, queue::Verify::content_too);
    if (message) {
        const auto again = queue::decode_envelope(queue::encode_envelope(message->envelope));
        if (!again || again->recipients.size() != message->envelope.recipients.size())
            abort();
    }
    return 0;
}
