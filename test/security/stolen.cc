// stolen - a process that was taken over, for tests: in the jail of the program that its last argument names, it makes the
// system calls that its client asks for.
//
// A line is the call's number and its arguments: a number, or x:HEX, which stands for the address of a copy of those octets.
// The answer is what the call returned, and the error number; then, for each x:, what the octets are now.
#include <unistd.h>

#include <cerrno>
#include <deque>

#include <fmt/format.h>

#include "lib/text/text.h"
#include "lib/worker/program.h"

namespace {

std::string from_hex(std::string_view hex) {
    std::string octets;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        octets.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    return octets;
}

std::string to_hex(std::string_view octets) {
    std::string hex;
    for (unsigned char octet : octets)
        hex += fmt::format("{:02x}", octet);
    return hex;
}

std::string call(std::string_view line) {
    std::deque<std::string> memory;
    long numbers[7] = {};
    std::size_t count = 0;
    for (std::string_view word : text::split(line, " ")) {
        if (count == std::size(numbers))
            break;
        if (word.starts_with("x:"))
            numbers[count++] = reinterpret_cast<long>(memory.emplace_back(from_hex(word.substr(2))).data());
        else
            numbers[count++] = std::stol(std::string(word));
    }
    errno = 0;
    const long result = ::syscall(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]);
    std::string answer = fmt::format("{} {}", result, result < 0 ? errno : 0);
    for (const std::string& octets : memory)
        answer += " " + to_hex(octets);
    return answer + "\n";
}

event::Task<void> obey(event::Stream stream) {
    for (;;) {
        std::optional<event::Line> line = co_await stream.read_line(1 << 20);
        if (!line)
            co_return;
        stream.write(call(line->text));
        co_await stream.flush();
    }
}

}  // namespace

int main(int argc, char** argv) {
    config::HostParams params;
    worker::Program program(argc, argv, argv[argc - 1], params);
    worker::Jailed jail = std::move(program).enter_jail(worker::Sandbox::network);
    return jail.serve([](event::Stream client, worker::Client&) { return obey(std::move(client)); });
}
