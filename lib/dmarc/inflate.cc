#include "lib/dmarc/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace dmarc {
namespace {

using Failed = std::unexpected<std::string>;

constexpr int kGzip = 15 + 16;  // zlib's windowBits: a gzip header is wanted
constexpr int kRaw = -15;       // deflate without any header

std::string too_large(std::size_t limit) { return "it unpacks to more than " + std::to_string(limit) + " octets"; }

std::expected<std::string, std::string> inflate_all(std::string_view packed, int window, std::size_t limit) {
    z_stream stream{};
    if (inflateInit2(&stream, window) != Z_OK)
        throw std::bad_alloc();
    std::string out;
    char block[65536];
    // zlib does not change the input; its interface is older than const.
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    int status = Z_OK;
    while (status == Z_OK && out.size() <= limit) {
        stream.next_out = reinterpret_cast<Bytef*>(block);
        stream.avail_out = sizeof block;
        status = inflate(&stream, Z_NO_FLUSH);
        out.append(block, sizeof block - stream.avail_out);
        if (status == Z_OK && stream.avail_in == 0 && stream.avail_out == sizeof block)
            break;
    }
    inflateEnd(&stream);
    if (out.size() > limit)
        return Failed(too_large(limit));
    if (status != Z_STREAM_END)
        return Failed("the packed data is damaged or cut off");
    return out;
}

std::size_t little_endian(std::string_view octets, std::size_t at, std::size_t count) {
    std::size_t value = 0;
    for (std::size_t i = count; i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(octets[at + i]);
    return value;
}

// PKWARE's APPNOTE, 4.3.7: the header in front of the first file.
std::expected<std::string, std::string> unzip_first(std::string_view file, std::size_t limit) {
    constexpr std::size_t kHeader = 30;
    if (file.size() < kHeader)
        return Failed("the zip file is cut off");
    const std::size_t flags = little_endian(file, 6, 2), method = little_endian(file, 8, 2);
    const std::size_t packed = little_endian(file, 18, 4);
    const std::size_t begin = kHeader + little_endian(file, 26, 2) + little_endian(file, 28, 2);
    if ((flags & 1) != 0)
        return Failed("the zip file is encrypted");
    if (begin > file.size())
        return Failed("the zip file is cut off");
    const std::string_view rest = file.substr(begin);
    if (method == 8)
        return inflate_all(rest, kRaw, limit);
    if (method != 0)
        return Failed("the zip file has a method that is not known here");
    if (packed > rest.size())
        return Failed("the zip file is cut off");
    if (packed > limit)
        return Failed(too_large(limit));
    return std::string(rest.substr(0, packed));
}

}  // namespace

std::expected<std::string, std::string> unpack(std::string_view file, std::size_t limit) {
    if (file.starts_with("\x1f\x8b"))
        return inflate_all(file, kGzip, limit);
    if (file.starts_with("PK\x03\x04"))
        return unzip_first(file, limit);
    if (file.size() > limit)
        return Failed("it is larger than " + std::to_string(limit) + " octets");
    return std::string(file);
}

std::string gzip(std::string_view content) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
    std::string out(deflateBound(&stream, content.size()), '\0');
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int status = deflate(&stream, Z_FINISH);
    const std::size_t size = out.size() - stream.avail_out;
    deflateEnd(&stream);
    if (status != Z_STREAM_END)
        throw std::bad_alloc();
    out.resize(size);
    return out;
}

}  // namespace dmarc
