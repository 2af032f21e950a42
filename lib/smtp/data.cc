#include "lib/smtp/data.h"

#include <cstring>

namespace smtp {

// The ordinary case: whole runs of text up to the next CR or LF.
std::size_t DataDecoder::take_text(std::string_view input, std::string& output) {
    std::size_t taken = 0;
    for (;;) {
        std::string_view rest = input.substr(taken);
        const void* feed = std::memchr(rest.data(), '\n', rest.size());
        std::size_t line = feed == nullptr ? rest.size()
                                           : static_cast<std::size_t>(static_cast<const char*>(feed) - rest.data());
        const void* cr = std::memchr(rest.data(), '\r', line);
        std::size_t text = cr == nullptr ? line : static_cast<std::size_t>(static_cast<const char*>(cr) - rest.data());
        bool whole_line = feed != nullptr && text + 1 == line;
        std::size_t next = taken + line + 1;
        // A line that ends in CR LF, followed by one that does not begin with a dot: on without looking closer.
        if (!whole_line || next >= input.size() || input[next] == '.') {
            output.append(rest.substr(0, text));
            return taken + text;
        }
        output.append(rest.substr(0, line + 1));
        taken = next;
    }
}

void DataDecoder::step(char c, std::string& output) {
    switch (state_) {
    case State::line_start:
        if (c == '.') {
            state_ = State::after_dot;
            return;
        }
        break;
    case State::after_dot:
        if (c == '\r') {
            state_ = State::after_dot_cr;
            return;
        }
        break;  // a stuffed dot: dropped
    case State::after_dot_cr:
        if (c == '\n') {
            state_ = State::ended;
            return;
        }
        bare_cr_ = true;
        output += ' ';
        break;
    case State::after_cr:
        if (c == '\n') {
            output += "\r\n";
            state_ = State::line_start;
            return;
        }
        bare_cr_ = true;
        output += ' ';
        break;
    case State::text:
    case State::ended: break;
    }
    state_ = State::text;
    if (c == '\r') {
        state_ = State::after_cr;
        return;
    }
    if (c == '\n') {
        bare_lf_ = true;
        output += "\r\n";
        return;
    }
    output += c;
}

std::size_t DataDecoder::decode(std::string_view input, std::string& output) {
    std::size_t taken = 0;
    while (taken < input.size() && state_ != State::ended) {
        if (state_ == State::text || (state_ == State::line_start && input[taken] != '.')) {
            state_ = State::text;
            taken += take_text(input.substr(taken), output);
            if (taken == input.size())
                break;
        }
        step(input[taken++], output);
    }
    return taken;
}

void DataEncoder::encode(std::string_view input, std::string& output) {
    while (!input.empty()) {
        if (after_cr_) {
            after_cr_ = false;
            output += "\r\n";
            line_start_ = true;
            if (input.front() == '\n') {
                input.remove_prefix(1);
                continue;
            }
        }
        if (line_start_ && input.front() == '.')
            output += '.';
        std::size_t end = std::min(input.find_first_of("\r\n"), input.size());
        output.append(input.substr(0, end));
        line_start_ = false;
        input.remove_prefix(end);
        if (input.empty())
            return;
        if (input.front() == '\r') {
            after_cr_ = true;
        } else {
            output += "\r\n";
            line_start_ = true;
        }
        input.remove_prefix(1);
    }
}

void DataEncoder::finish(std::string& output) {
    if (after_cr_ || !line_start_)
        output += "\r\n";
    output += ".\r\n";
}

}  // namespace smtp
