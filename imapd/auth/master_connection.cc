#include <fmt/format.h>
#include <unistd.h>

#include "imapd/auth/connections.h"
#include "lib/log/log.h"
#include "lib/sasl/auth_line.h"
#include "lib/text/text.h"

namespace auth {
namespace {

using event::Task;

constexpr std::size_t kMaxLine = 8192;

std::string format_user(std::string_view id, const UserReply& reply) {
    if (reply.kind == UserReply::Kind::not_found)
        return fmt::format("NOTFOUND\t{}\n", id);
    if (reply.kind == UserReply::Kind::trouble) {
        logging::warning("{}", reply.reason);
        return fmt::format("FAIL\t{}\ttemp\n", id);
    }
    std::string line = fmt::format("USER\t{}\t{}", id, sasl::escape_field(reply.user));
    for (const auto& [name, value] : reply.fields)
        line += fmt::format("\t{}={}", sasl::escape_field(name), sasl::escape_field(value));
    return line + "\n";
}

// REQUEST id client-pid client-request-id cookie: who logged in there?
std::string answer_request(const std::vector<std::string>& fields, Services& services) {
    std::string id = sasl::escape_field(fields[1]);
    std::optional<std::uint64_t> pid = text::parse_number(fields.size() > 2 ? fields[2] : "");
    std::optional<std::uint64_t> request = text::parse_number(fields.size() > 3 ? fields[3] : "");
    if (!pid || !request || fields.size() < 5)
        return fmt::format("FAIL\t{}\treason=malformed request\n", id);
    std::optional<std::string> user = services.logins.take(
        fields[4], static_cast<std::uint32_t>(*pid), static_cast<std::uint32_t>(*request));
    if (!user) {
        logging::warning("a master asked about login {} of pid {}, which is not there", *request, *pid);
        return fmt::format("FAIL\t{}\n", id);
    }
    return format_user(id, services.database.find_user(*user));
}

// PASS id user: what the password database says besides the password.
std::string answer_pass(const std::string& id, const UserReply& reply) {
    if (reply.kind != UserReply::Kind::found)
        return format_user(id, reply);
    return fmt::format("PASS\t{}\tuser={}\n", id, sasl::escape_field(reply.user));
}

std::string answer_list(const std::string& id, Services& services) {
    auto names = services.database.list_users();
    if (!names)
        return fmt::format("DONE\t{}\tfail\n", id);
    std::string lines;
    for (const std::string& name : *names)
        lines += fmt::format("LIST\t{}\t{}\n", id, sasl::escape_field(name));
    return lines + fmt::format("DONE\t{}\n", id);
}

// Nothing for commands that need no answer, or that we do not know.
std::string answer(const std::vector<std::string>& fields, Services& services) {
    if (fields.size() < 2)
        return {};
    const std::string& command = fields[0];
    std::string id = sasl::escape_field(fields[1]);
    if (command == "REQUEST")
        return answer_request(fields, services);
    if (command == "LIST")
        return answer_list(id, services);
    if ((command != "USER" && command != "PASS") || fields.size() < 3)
        return {};
    UserReply reply = services.database.find_user(fields[2]);
    return command == "USER" ? format_user(id, reply) : answer_pass(id, reply);
}

}  // namespace

Task<void> serve_master(event::Stream stream, Services& services) {
    try {
        stream.write(fmt::format("VERSION\t1\t1\nSPID\t{}\n", ::getpid()));
        for (;;) {
            std::optional<event::Line> line = co_await stream.read_line(kMaxLine);
            if (!line)
                co_return;
            std::vector<std::string> fields = sasl::split_fields(line->text);
            if (fields[0] == "VERSION" && (fields.size() < 2 || fields[1] != "1")) {
                logging::warning("an auth master speaks another version of the protocol");
                co_return;
            }
            stream.write(answer(fields, services));
            co_await stream.drain();
        }
    } catch (const event::StreamError& error) {
        logging::debug("auth master: {}", error.what());
    }
}

}  // namespace auth
