// lib/fields/bytes.h - little-endian numbers and length-prefixed strings, as queue files hold them.
//
// Failure     a Reader that is asked for more than there is gives zeros and empty strings from then on and says
//             so with ok() == false; check it once at the end.
// Trust       a Reader never looks outside its bytes, whatever lengths they claim.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fields {

template <typename Int>
void put_int(std::string& out, Int value) {
    auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(Int); ++i, bits >>= 8)
        out.push_back(static_cast<char>(bits & 0xff));
}

inline void put_string(std::string& out, std::string_view text) {
    put_int<std::uint32_t>(out, static_cast<std::uint32_t>(text.size()));
    out.append(text);
}

class Reader {
  public:
    explicit Reader(std::string_view bytes) : bytes_{bytes} {}

    template <typename Int>
    Int take_int() {
        std::string_view raw = take_bytes(sizeof(Int));
        std::uint64_t value = 0;
        for (std::size_t i = raw.size(); i-- > 0;)
            value = (value << 8) | static_cast<unsigned char>(raw[i]);
        return static_cast<Int>(value);
    }

    std::string_view take_string() { return take_bytes(take_int<std::uint32_t>()); }

    std::string_view take_bytes(std::size_t count) {
        if (count > bytes_.size()) {
            ok_ = false;
            bytes_ = {};
            return {};
        }
        std::string_view taken = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return taken;
    }

    bool ok() const { return ok_; }
    bool empty() const { return bytes_.empty(); }
    std::size_t left() const { return bytes_.size(); }

  private:
    std::string_view bytes_;
    bool ok_ = true;
};

}  // namespace fields
