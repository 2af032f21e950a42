#include "lib/text/line_ends.h"

#include <cstring>

namespace text {

void LineEnds::feed_one(char c, std::string& out) {
    if (pending_cr_) {
        pending_cr_ = false;
        if (c != '\n') {
            out.push_back(' ');
            at_line_start_ = false;
        }
    }
    if (c == '\n') {
        out += "\r\n";
        at_line_start_ = true;
        return;
    }
    if (c == '\r') {
        pending_cr_ = true;
        return;
    }
    out.push_back(c);
    at_line_start_ = false;
}

// A line with its LF, the first CR of which should be right before it.
void LineEnds::feed_line(std::string_view line, std::string& out) {
    if (!pending_cr_ && line.size() >= 2 && std::memchr(line.data(), '\r', line.size()) == &line[line.size() - 2]) {
        out.append(line);
        at_line_start_ = true;
        return;
    }
    for (const char c : line)
        feed_one(c, out);
}

void LineEnds::feed(std::string_view octets, std::string& out) {
    while (!octets.empty()) {
        const auto* end = static_cast<const char*>(std::memchr(octets.data(), '\n', octets.size()));
        if (end == nullptr)
            break;
        const auto size = static_cast<std::size_t>(end - octets.data()) + 1;
        feed_line(octets.substr(0, size), out);
        octets.remove_prefix(size);
    }
    for (const char c : octets)
        feed_one(c, out);
}

void LineEnds::finish(std::string& out) {
    if (pending_cr_)
        feed_one('\n', out);  // the sender cut the last line end in two
    if (!at_line_start_)
        out += "\r\n";
    at_line_start_ = true;
}

}  // namespace text
