// imap_session_server PORT DIRECTORY - IMAP sessions without login and auth, for tests and measurements.
//
// Listens on 127.0.0.1 and forks a session for each connection, as imapd's spawner does. Before it, LOGIN with
// any password is taken: the user's Maildir is DIRECTORY/USER. Runs with the rights of whoever started it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "imapd/imap/session.h"
#include "imapd/sessions/stop_signal.h"
#include "lib/imap/command.h"
#include "lib/imap/extension.h"

namespace {

// Answers until the client has logged in; the user's name, or nothing if it left.
std::string greet(sessions::Wire& wire, std::string& tag) {
    wire.write("* OK ready\r\n");
    for (;;) {
        std::string text(wire.read_line(8192));
        for (auto literal = imap::announced_literal(text); literal; literal = imap::announced_literal(text)) {
            if (literal->synchronizing)
                wire.write("+ OK\r\n");
            text += "\r\n";
            for (std::uint64_t left = literal->size; left > 0;) {
                std::string_view chunk = wire.read_some(left);
                left -= chunk.size();
                text += chunk;
            }
            text += wire.read_line(8192);
        }
        auto command = imap::split_command(text);
        if (!command) {
            wire.write(command.error().tag + " BAD " + command.error().reason + "\r\n");
        } else if (command->name == "LOGIN") {
            tag = command->tag;
            std::string user = imap::parse_astrings(command->args, 2).front();
            return user.find('/') == std::string::npos ? user : "";
        } else if (command->name == "CAPABILITY") {
            wire.write("* CAPABILITY " + imap::Extensions().capabilities({.logged_in = true}) + "\r\n" + command->tag +
                       " OK Done\r\n");
        } else if (command->name == "NOOP") {
            wire.write(command->tag + " OK Done\r\n");
        } else if (command->name == "LOGOUT") {
            wire.write("* BYE\r\n" + command->tag + " OK Done\r\n");
            wire.flush();
            return "";
        } else {
            wire.write(command->tag + " BAD Log in first\r\n");
        }
    }
}

void serve(int client, const std::string& directory) {
    sessions::Wire wire(event::Fd(client), "", std::chrono::seconds(1800), std::chrono::seconds(300));
    try {
        std::string tag;
        std::string user = greet(wire, tag);
        imapd::SessionSettings settings;
        settings.user = user;
        auto account = user.empty() ? std::unexpected(store::Failure{}) : store::open_account({directory + "/" + user, '.'});
        if (account)
            imapd::Session(wire, *account, settings).run(tag);
    } catch (const std::exception&) {
        // The client left, or said something that this little server does not know.
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: imap_session_server PORT DIRECTORY\n");
        return 2;
    }
    signal(SIGCHLD, SIG_IGN);
    sessions::install_stop_signal();
    signal(SIGTERM, SIG_DFL);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(argv[1])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 1024) != 0) {
        std::perror("listen");
        return 1;
    }
    std::printf("ready\n");
    std::fflush(stdout);
    for (;;) {
        int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        if (fork() == 0) {
            close(listener);
            sessions::install_stop_signal();
            serve(client, argv[2]);
            _exit(0);
        }
        close(client);
    }
}
