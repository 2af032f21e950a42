#include "lib/ipc/record.h"

namespace ipc {
namespace detail {

std::string wrong_record(std::string_view wanted, std::string_view content) {
    return "expected record " + std::string(wanted) + ", got \"" + std::string(record_name(content)) + "\"";
}

std::string bad_field(std::string_view record, std::string_view field) {
    return std::string(record) + ": field " + std::string(field) + " is missing or malformed";
}

std::string left_over(std::string_view record) { return std::string(record) + ": octets left over after the last field"; }

void set_length(std::string& frame) {
    const std::size_t size = frame.size() - 4;
    for (std::size_t i = 0; i < 4; ++i)
        frame[i] = static_cast<char>(size >> (24 - 8 * i));
}

}  // namespace detail

std::string with_length(std::string_view content) {
    std::string frame(4, '\0');
    frame += content;
    detail::set_length(frame);
    return frame;
}

std::string_view record_name(std::string_view content) {
    fields::wire::Reader in{content};
    return in.text().value_or(std::string_view()).substr(0, 64);
}

}  // namespace ipc
