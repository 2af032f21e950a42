// test/support/knot.h - a real name server (Debian's knotd) on a loopback port, for as long as the object lives.
#pragma once

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "test/support/temporary_folder.h"

namespace test {

class Knot {
  public:
    struct Zone {
        std::string domain, content;
        bool sign = false;
    };
    static bool installed() { return ::access("/usr/sbin/knotd", X_OK) == 0; }

    explicit Knot(const std::vector<Zone>& zones) : port_(free_port()) {
        std::string configuration = "server:\n  rundir: " + folder_.path() + "\n  listen: 127.0.0.1@" +
                                    std::to_string(port_) +
                                    "\nlog:\n  - target: stderr\n    any: critical\ndatabase:\n  storage: " +
                                    folder_.path() + "/db\nzone:\n";
        std::filesystem::create_directory(folder_.path("db"));
        for (const Zone& zone : zones) {
            std::string file = folder_.write(zone.domain + ".zone", zone.content);
            configuration += "  - domain: " + zone.domain + "\n    file: " + file + "\n    zonefile-sync: -1\n" +
                             "    journal-content: none\n    semantic-checks: off\n" +
                             (zone.sign ? "    dnssec-signing: on\n    journal-content: all\n" : "");
        }
        std::string path = folder_.write("knot.conf", configuration);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::execl("/usr/sbin/knotd", "knotd", "-c", path.c_str(), nullptr);
            ::_exit(127);
        }
        for (int i = 0; i < 200 && !answers(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
    ~Knot() {
        if (pid_ > 0) {
            ::kill(pid_, SIGTERM);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    Knot(const Knot&) = delete;

    std::uint16_t port() const { return port_; }
    std::string server() const { return "127.0.0.1:" + std::to_string(port_); }
    // Returns when all of its threads stand still.
    void pause() {
        ::kill(pid_, SIGSTOP);
        ::waitpid(pid_, nullptr, WUNTRACED);
    }
    void resume() { ::kill(pid_, SIGCONT); }
    // A file that holds the DS records of a signed zone.
    std::string trust_anchor(const std::string& domain) {
        std::string file = folder_.path("anchor." + domain);
        std::string command = "keymgr -c " + folder_.path("knot.conf") + " " + domain + " ds > " + file + " 2>/dev/null";
        [[maybe_unused]] int status = std::system(command.c_str());
        return file;
    }
    const TemporaryFolder& folder() const { return folder_; }

  private:
    static std::uint16_t free_port() {
        int descriptor = ::socket(AF_INET, SOCK_DGRAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address);
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length);
        ::close(descriptor);
        return ntohs(address.sin_port);
    }
    // Asks for the root's name servers and takes any reply as a sign of life.
    bool answers() const {
        int descriptor = ::socket(AF_INET, SOCK_DGRAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port_);
        timeval patience{0, 50000};
        ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        const char question[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0\0\0\2\0\1";
        char reply[512];
        bool alive = ::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     ::send(descriptor, question, sizeof question - 1, 0) > 0 &&
                     ::recv(descriptor, reply, sizeof reply, 0) > 0;
        ::close(descriptor);
        return alive;
    }

    TemporaryFolder folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace test
