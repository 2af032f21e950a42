#include "imapd/account/auth_master.h"

#include <fmt/format.h>

#include "lib/event/endpoint.h"
#include "lib/log/log.h"
#include "lib/text/text.h"

namespace account {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxLine = 8192;
constexpr auto kPatience = 60s;

std::string unescape(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\001' || i + 1 >= text.size()) {
            result += text[i];
            continue;
        }
        switch (text[++i]) {
        case '0': result += '\0'; break;
        case '1': result += '\001'; break;
        case 't': result += '\t'; break;
        case 'r': result += '\r'; break;
        case 'n': result += '\n'; break;
        default: result += text[i];
        }
    }
    return result;
}

std::optional<std::uint32_t> small_number(std::string_view text) {
    std::optional<std::uint64_t> number = text::parse_number(text);
    if (!number || *number > UINT32_MAX)
        return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

}  // namespace

std::vector<std::string> split_auth_line(std::string_view line) {
    std::vector<std::string> fields;
    for (;;) {
        std::size_t tab = line.find('\t');
        fields.push_back(unescape(line.substr(0, tab)));
        if (tab == std::string_view::npos)
            return fields;
        line.remove_prefix(tab + 1);
    }
}

std::optional<UserRecord> parse_user(const std::vector<std::string>& fields) {
    UserRecord user;
    if (fields.empty() || fields[0].empty())
        return std::nullopt;
    user.name = fields[0];
    for (std::size_t i = 1; i < fields.size(); ++i) {
        std::string_view field = fields[i];
        std::string_view value = field.substr(std::min(field.find('='), field.size() - 1) + 1);
        if (field.starts_with("uid=")) {
            user.uid = small_number(value);
            if (!user.uid)
                return std::nullopt;
        } else if (field.starts_with("gid=")) {
            user.gid = small_number(value);
            if (!user.gid)
                return std::nullopt;
        } else if (field.starts_with("home=")) {
            user.home = value;
        } else if (field.starts_with("mail=")) {
            user.mail = value;
        }
    }
    return user;
}

event::Task<void> AuthMaster::connect() {
    auto connection = std::make_shared<Connection>();
    connection->stream = co_await event::connect(loop_, event::unix_address(socket_), 10s);
    connection->stream.write("VERSION\t1\t1\n");
    connection_ = connection;
    loop_.spawn(read_answers(connection));
}

event::Task<void> AuthMaster::read_answers(std::shared_ptr<Connection> connection) {
    std::string why = "auth closed the connection";
    try {
        for (;;) {
            std::optional<event::Line> line = co_await connection->stream.read_line(kMaxLine);
            if (!line)
                break;
            take_line(*connection, line->text);
        }
    } catch (const event::StreamError& error) {
        why = error.what();
    }
    connection->broken = true;
    for (auto& [id, waiting] : connection->waiting) {
        waiting->answer = std::unexpected(fmt::format("{}: {}", socket_, why));
        waiting->answered.notify_all();
    }
    connection->waiting.clear();
}

void AuthMaster::take_line(Connection& connection, std::string_view line) {
    std::vector<std::string> fields = split_auth_line(line);
    if (fields.size() < 2)
        return;
    std::optional<std::uint32_t> id = small_number(fields[1]);
    bool answers = fields[0] == "USER" || fields[0] == "NOTFOUND" || fields[0] == "FAIL";
    if (!answers || !id)
        return;
    auto found = connection.waiting.find(*id);
    if (found == connection.waiting.end())
        return;
    Waiting& waiting = *found->second;
    connection.waiting.erase(found);
    if (fields[0] == "USER") {
        std::optional<UserRecord> user = parse_user({fields.begin() + 2, fields.end()});
        if (user)
            waiting.answer = std::move(*user);
        else
            waiting.answer = std::unexpected(socket_ + ": a USER line without name or with an odd number");
    } else if (fields[0] == "NOTFOUND") {
        waiting.answer = std::unexpected(socket_ + ": no such login, or no such user");
    } else {
        waiting.answer = std::unexpected(socket_ + ": the user database failed");
    }
    waiting.answered.notify_all();
}

event::Task<AuthMaster::Answer> AuthMaster::lookup(
    std::uint32_t client_pid, std::uint32_t auth_request, std::string cookie) {
    for (char c : cookie) {
        if (!text::is_alnum(c))
            co_return std::unexpected(std::string("the login process gave a malformed cookie"));
    }
    std::string broken;
    co_await turn_.acquire();
    try {
        if (!connection_ || connection_->broken)
            co_await connect();
    } catch (const event::StreamError& error) {
        broken = error.what();
    }
    if (!broken.empty()) {
        turn_.release();
        co_return std::unexpected(fmt::format("{}: {}", socket_, broken));
    }
    std::shared_ptr<Connection> connection = connection_;
    Waiting waiting(loop_);
    std::uint32_t id = ++last_id_;
    connection->waiting[id] = &waiting;
    connection->stream.write(fmt::format("REQUEST\t{}\t{}\t{}\t{}\n", id, client_pid, auth_request, cookie));
    try {
        co_await connection->stream.flush();
    } catch (const event::StreamError& error) {
        broken = error.what();
    }
    turn_.release();
    if (broken.empty()) {
        while (!waiting.answer)
            co_await waiting.answered.wait(false);
        co_return std::move(*waiting.answer);
    }
    connection->waiting.erase(id);
    co_return std::unexpected(fmt::format("{}: {}", socket_, broken));
}

}  // namespace account
