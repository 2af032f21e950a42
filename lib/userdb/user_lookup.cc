#include "lib/userdb/user_lookup.h"

#include <fmt/format.h>

#include <vector>

#include "lib/event/endpoint.h"
#include "lib/text/text.h"

namespace userdb {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxLine = 8192;
constexpr auto kTimeout = 30s;
constexpr auto kKeep = 5s;
constexpr auto kPatience = 10s;
constexpr std::size_t kMaxKept = 10000;

std::vector<std::string> split_fields(std::string_view line) {
    std::vector<std::string> fields;
    for (;;) {
        std::size_t tab = line.find('\t');
        fields.push_back(unescape_field(line.substr(0, tab)));
        if (tab == std::string_view::npos)
            return fields;
        line.remove_prefix(tab + 1);
    }
}

}  // namespace

std::string escape_field(std::string_view text) {
    std::string escaped;
    for (char c : text) {
        switch (c) {
        case '\0':
            escaped +=
                "\001"
                "0";
            break;
        case '\001':
            escaped +=
                "\001"
                "1";
            break;
        case '\t':
            escaped +=
                "\001"
                "t";
            break;
        case '\r':
            escaped +=
                "\001"
                "r";
            break;
        case '\n':
            escaped +=
                "\001"
                "n";
            break;
        default: escaped += c;
        }
    }
    return escaped;
}

std::string unescape_field(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\001' || i + 1 == text.size()) {
            plain += text[i];
            continue;
        }
        switch (char c = text[++i]) {
        case '0': plain += '\0'; break;
        case '1': plain += '\001'; break;
        case 't': plain += '\t'; break;
        case 'r': plain += '\r'; break;
        case 'n': plain += '\n'; break;
        default: plain += c;
        }
    }
    return plain;
}

std::optional<User> parse_user(const std::vector<std::string>& fields, std::size_t first) {
    if (fields.size() <= first)
        return std::nullopt;
    User user;
    user.name = fields[first];
    for (std::size_t i = first + 1; i < fields.size(); ++i) {
        std::size_t equals = fields[i].find('=');
        std::string name = fields[i].substr(0, equals);
        std::string value = equals == std::string::npos ? "" : fields[i].substr(equals + 1);
        std::uint64_t number = text::parse_number(value).value_or(0);
        if (name == "uid")
            user.uid = static_cast<uid_t>(number);
        else if (name == "gid")
            user.gid = static_cast<gid_t>(number);
        else if (name == "home")
            user.home = value;
        else if (name == "mail")
            user.mail = value;
    }
    return user;
}

struct UserLookup::State {
    State(event::Loop& the_loop, std::string the_socket, std::string the_service)
        : loop(the_loop),
          socket(std::move(the_socket)),
          service(std::move(the_service)),
          answered(the_loop),
          connecting(the_loop, 1) {}
    struct Kept {
        std::optional<User> user;
        event::Clock::time_point until;
    };
    event::Loop& loop;
    std::string socket, service;
    event::Notice answered;
    event::Semaphore connecting;
    std::shared_ptr<event::Stream> stream;
    std::map<std::uint64_t, std::optional<Found>> questions;
    std::map<std::string, Kept> kept;
    std::uint64_t last_id = 0;

    event::Task<std::string> ensure_connection();
    void take_line(std::string_view line);
    void fail_all(const std::string& reason);
};

namespace {

// Reads answers for as long as the connection lives.
event::Task<void> read_answers(UserLookup::State& state, std::shared_ptr<event::Stream> stream) {
    std::string reason = "auth closed the connection";
    try {
        for (;;) {
            std::optional<event::Line> line = co_await stream->read_line(kMaxLine);
            if (!line)
                break;
            state.take_line(line->text);
        }
    } catch (const event::StreamError& error) {
        reason = error.what();
    }
    if (state.stream == stream)
        state.stream.reset();
    state.fail_all(reason);
}

}  // namespace

void UserLookup::State::fail_all(const std::string& reason) {
    for (auto& [id, answer] : questions)
        if (!answer)
            answer = std::unexpected(reason);
    answered.notify_all();
}

void UserLookup::State::take_line(std::string_view line) {
    std::vector<std::string> fields = split_fields(line);
    bool is_answer = fields[0] == "USER" || fields[0] == "NOTFOUND" || fields[0] == "FAIL";
    if (!is_answer || fields.size() < 2)
        return;  // the greeting
    auto id = text::parse_number(fields[1]);
    auto question = id ? questions.find(*id) : questions.end();
    if (question == questions.end())
        return;  // nobody waits for it any more
    if (fields[0] == "USER")
        question->second = Found(parse_user(fields, 2));
    else if (fields[0] == "NOTFOUND")
        question->second = Found(std::nullopt);
    else
        question->second = std::unexpected("auth cannot look the user up" + (fields.size() > 2 ? ": " + fields[2] : ""));
    answered.notify_all();
}

event::Task<std::string> UserLookup::State::ensure_connection() {
    co_await connecting.acquire();
    std::string reason;
    // auth may be starting, or starting again: its timer in master.cf sees to that within seconds.
    event::Clock::time_point until = event::Clock::now() + kPatience;
    while (!stream) {
        reason.clear();
        try {
            event::Stream fresh = co_await event::connect(loop, event::unix_address(socket), 5s);
            stream = std::make_shared<event::Stream>(std::move(fresh));
            stream->write("VERSION\t1\t1\n");
            loop.spawn(read_answers(*this, stream));
        } catch (const event::StreamError& error) {
            reason = socket + ": " + error.what();
        }
        if (stream || event::Clock::now() >= until)
            break;
        co_await event::sleep_for(loop, 100ms);
    }
    connecting.release();
    co_return reason;
}

UserLookup::UserLookup(event::Loop& loop, std::string socket, std::string service)
    : state_(std::make_unique<State>(loop, std::move(socket), std::move(service))) {}
UserLookup::~UserLookup() = default;

event::Task<Found> UserLookup::find(std::string name) {
    State& state = *state_;
    event::Clock::time_point now = event::Clock::now();
    if (auto known = state.kept.find(name); known != state.kept.end() && known->second.until > now)
        co_return known->second.user;
    std::string reason = co_await state.ensure_connection();
    if (!reason.empty())
        co_return std::unexpected(reason);
    std::uint64_t id = ++state.last_id;
    state.questions[id];
    state.stream->write(fmt::format("USER\t{}\t{}\tservice={}\n", id, escape_field(name), state.service));
    state.stream->push();
    event::Clock::time_point until = now + kTimeout;
    while (!state.questions[id] && event::Clock::now() < until)
        co_await state.answered.wait();
    Found found = std::unexpected(std::string("auth did not answer"));
    if (state.questions[id])
        found = std::move(*state.questions[id]);
    state.questions.erase(id);
    if (found) {
        if (state.kept.size() >= kMaxKept)
            state.kept.clear();
        State::Kept entry{*found, now + kKeep};
        state.kept[name] = std::move(entry);
    }
    co_return found;
}

}  // namespace userdb
